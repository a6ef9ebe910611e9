internal import BlockDevices
internal import Browsing
internal import Bytes
internal import SystemPackage

/// Where an archive goes: headers and small files are gathered, what is large goes by reference where that is possible.
final class ArchiveOutput {
  private let output: ContentOutput
  private var buffer: [UInt8] = []
  /// Bytes so far.
  private(set) var length: UInt64 = 0

  private static let bufferSize = 256 << 10
  /// Below this, a file's bytes are written together with its header.
  static let largestGathered: UInt64 = 64 << 10

  init(to descriptor: FileDescriptor, of tree: Tree) {
    output = ContentOutput(to: descriptor, readAhead: ReadAhead(in: tree))
    buffer.reserveCapacity(Self.bufferSize + 2 * Int(Self.largestGathered))
  }

  func write(_ header: TarHeader) throws(CopyFailure) {
    let before = buffer.count
    header.write(to: &buffer)
    length += UInt64(buffer.count - before)
    try flushIfFull()
  }

  func write(_ bytes: [UInt8]) throws(CopyFailure) {
    buffer += bytes
    length += UInt64(bytes.count)
    try flushIfFull()
  }

  func writeZeros(_ count: Int) throws(CopyFailure) {
    buffer.append(contentsOf: repeatElement(0, count: count))
    length += UInt64(count)
    try flushIfFull()
  }

  /// Writes a part of a file.
  /// - Throws: `.reading` where something could not be read; then all of the part's bytes are there all the same, the
  ///   missing ones as zeros, since a header has said how many there are.
  func write(_ range: Range<UInt64>, of file: any BlockDevice, number: UInt64) throws(CopyFailure) {
    var position = range.lowerBound
    var failure: ReadError?
    while position < range.upperBound {
      if Interruption.isNoted { throw .interrupted }
      let end = min(range.upperBound, position + Self.pieceSize)
      do throws(CopyFailure) {
        try writePiece(position..<end, of: file, number: number)
      } catch {
        guard case .reading(let error) = error else { throw error }
        failure = failure ?? error
      }
      position = end
    }
    length += range.upperBound - range.lowerBound
    if let failure { throw .reading(failure) }
  }

  /// Bytes after which it is seen whether somebody wants an end.
  private static let pieceSize: UInt64 = 8 << 20

  private func writePiece(_ range: Range<UInt64>, of file: any BlockDevice, number: UInt64) throws(CopyFailure) {
    let count = range.upperBound - range.lowerBound
    guard count > Self.largestGathered else {
      do throws(ReadError) {
        buffer += try file.bytes(Int(count), at: range.lowerBound)
      } catch {
        buffer.append(contentsOf: repeatElement(0, count: Int(count)))
        throw .reading(error)
      }
      return try flushIfFull()
    }
    try flush()
    let before = output.written
    do throws(ContentOutput.Failure) {
      try output.write(range, of: file, number: number)
    } catch {
      guard case .reading(let error) = error else { throw CopyFailure(error) }
      try fill(count - (output.written - before))
      throw .reading(error)
    }
  }

  private func fill(_ count: UInt64) throws(CopyFailure) {
    do { try output.writeZeros(count) } catch { throw CopyFailure(error) }
  }

  private func flushIfFull() throws(CopyFailure) {
    if buffer.count >= Self.bufferSize { try flush() }
  }

  func flush() throws(CopyFailure) {
    guard !buffer.isEmpty else { return }
    do { try output.write(buffer) } catch { throw CopyFailure(error) }
    buffer.removeAll(keepingCapacity: true)
  }
}

extension CopyFailure {
  fileprivate init(_ failure: ContentOutput.Failure) {
    switch failure {
    case .reading(let error): self = .reading(error)
    case .writing(let error): self = .writing(error)
    }
  }
}
