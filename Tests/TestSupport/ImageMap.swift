internal import BlockDevices
public import DiskImages
internal import Foundation

/// What an image and its chain of backing files say of each byte of the disk, as `qemu-img map` tells it.
public struct ImageMap: Sendable, CustomStringConvertible {
  public enum State: String, Sendable {
    /// Nothing is stored, in no image of the chain: `"present": false`.
    case absent
    /// Said to be zeros: `"zero": true, "data": false`.
    case zero
    /// Data.
    case data
    /// Data by the image's tables, of which the host's file says that it is a hole.
    case sparse
  }

  public struct Piece: Sendable {
    public let start: UInt64
    public var length: UInt64
    public let state: State
  }

  /// Ascending, without gaps; neighbours are of different states.
  public private(set) var pieces: [Piece] = []

  public var description: String {
    pieces.map { "\($0.start)+\($0.length) \($0.state.rawValue)" }.joined(separator: "\n")
  }

  private var end: UInt64 { pieces.last.map { $0.start + $0.length } ?? 0 }

  private mutating func append(_ state: State, length: UInt64) {
    guard length > 0 else { return }
    if pieces.last?.state == state {
      pieces[pieces.count - 1].length += length
    } else {
      pieces.append(Piece(start: end, length: length, state: state))
    }
  }
}

// MARK: Ours

extension ImageMap {
  /// What an opened image says.
  /// - Parameter limit: extents asked for at a time.
  public init(of image: DiskImage, limit: Int = 7) throws {
    try append(0..<image.disk.size, of: image, limit: limit)
  }

  private mutating func append(_ range: Range<UInt64>, of image: DiskImage, limit: Int) throws {
    guard let map = image.map else {
      try append(range, of: image.disk, hole: .zero)
      return
    }
    var position = range.lowerBound
    var extents = ExtentList(limit: limit)
    while position < range.upperBound {
      extents.removeAll()
      try map.map(position..<range.upperBound, into: &extents)
      guard extents.length > 0, extents.length <= range.upperBound - position else {
        throw DiskDifference(description: "map covers \(extents.length) bytes at \(position)")
      }
      for extent in extents.extents {
        switch extent.kind {
        case .hole: append(.absent, length: extent.length)
        case .unwritten: append(.zero, length: extent.length)
        case .encoded: append(.data, length: extent.length)
        case .mapped(let source, let offset):
          let part = offset..<(offset + extent.length)
          if let parent = image.parent, map.sources[source] === parent.disk {
            try append(part, of: parent, limit: limit)
          } else {
            try append(part, of: map.sources[source], hole: .sparse)
          }
        }
      }
      position += extents.length
    }
  }

  /// A part of a device of the host.
  private mutating func append(_ range: Range<UInt64>, of device: any BlockDevice, hole: State) throws {
    var position = range.lowerBound
    var extents = HostExtentList(limit: 64, findsHostHoles: true)
    while position < range.upperBound {
      extents.removeAll()
      try device.resolve(position..<range.upperBound, into: &extents)
      for extent in extents.extents {
        if case .hole = extent.kind {
          append(hole, length: extent.length)
        } else {
          append(.data, length: extent.length)
        }
      }
      position += extents.length
    }
  }
}

// MARK: qemu's

extension ImageMap {
  private struct Row: Decodable {
    let start: UInt64
    let length: UInt64
    let present: Bool
    let zero: Bool
    let data: Bool

    var state: State {
      if !present { return .absent }
      if data { return zero ? .sparse : .data }
      return .zero
    }
  }

  /// What `qemu-img map` says.
  /// - Parameter arguments: of qemu-img map: the format.
  public init(byQemuOf image: String, arguments: [String] = []) throws {
    let output = try runSuccessfully(
      ["qemu-img", "map", "--output=json"] + arguments + [image],
      in: URL(fileURLWithPath: image).deletingLastPathComponent()
    ).output
    for row in try JSONDecoder().decode([Row].self, from: Data(output.utf8)) {
      guard row.start == end else { throw DiskDifference(description: "qemu-img map has a gap at \(end)") }
      append(row.state, length: row.length)
    }
  }

  /// Throws where both say different things. Of data that the host's file has no place for, qemu finds out in some
  /// images, and not in others: it may call them zeros or data.
  public func compare(withQemus other: ImageMap) throws {
    guard end == other.end else { throw DiskDifference(description: "maps \(end) bytes, not \(other.end)") }
    var rest = other.pieces[...]
    for piece in pieces {
      let pieceEnd = piece.start + piece.length
      while let next = rest.first, next.start < pieceEnd {
        let isSame =
          piece.state == next.state || piece.state == .sparse && next.state != .absent
          || next.state == .sparse && piece.state == .data
        guard isSame else {
          throw DiskDifference(
            description: "byte \(max(piece.start, next.start)) is \(piece.state), and by qemu \(next.state)\n\(self)\n"
              + "qemu's:\n\(other)")
        }
        if next.start + next.length > pieceEnd { break }
        rest.removeFirst()
      }
    }
  }
}

/// Compares what an image and its chain say of each byte with what `qemu-img map` says.
public func compareMapWithQemu(
  _ path: String, _ image: DiskImage, arguments: [String] = []
) throws {
  try ImageMap(of: image).compare(withQemus: ImageMap(byQemuOf: path, arguments: arguments))
}
