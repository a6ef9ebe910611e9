public import Bytes
public import DiskImages
public import SystemPackage

/// Why there is no stack at all, or no such volume in it.
public enum StackError: Error, Sendable {
  /// The image's own file, or one that it names, cannot be used.
  case cannotOpen(FilePath, ImageError)
  case isEmpty(FilePath)
  /// `offset` lies past the end.
  case offsetBeyondEnd(FilePath, size: UInt64)
  /// The first bytes of the disk cannot be read.
  case cannotRead(FilePath, ReadError)
  /// Neither a table nor anything that libblkid names nor a filesystem of ours. `sign` says what it looks like instead,
  /// where that is known; `payload` at which byte a filesystem begins further in.
  case nothingRecognized(FilePath, sign: String? = nil, payload: UInt64? = nil)
  /// No volume, or more than one, is what a selector asks for.
  case noSuchVolume(FilePath, selector: String, present: [String])
  case ambiguousVolume(FilePath, selector: String, matching: [String])
}

extension StackError {
  public var path: FilePath {
    switch self {
    case .cannotOpen(let path, _), .isEmpty(let path), .offsetBeyondEnd(let path, _), .cannotRead(let path, _),
      .nothingRecognized(let path, _, _), .noSuchVolume(let path, _, _), .ambiguousVolume(let path, _, _):
      path
    }
  }

  /// What is wrong and what to do, on one line, without the image's name.
  public var text: String {
    switch self {
    case .cannotOpen(let path, let error):
      guard let other = error.path, other != path else { return error.text }
      return "its file \(Escaped.text(other.string)): \(error.text)"
    case .isEmpty: return "is empty: there is no disk in it"
    case .offsetBeyondEnd(_, let size): return "the offset lies past the end of the image (\(size) bytes)"
    case .cannotRead(_, let error): return "\(error)"
    case .nothingRecognized(_, let sign, let payload):
      let advice =
        payload.map { "there is a SquashFS further in: -o offset=\($0) shows it" }
        ?? "if the disk starts further in, say where with -o offset=BYTES"
      return "no partition table and no known filesystem in it"
        + (sign.map { " (it looks like \($0))" } ?? "; \(advice)")
    case .noSuchVolume(_, let selector, let present):
      return "no volume is \(selector); " + (present.isEmpty ? "there are none" : "there are: " + Self.list(present))
    case .ambiguousVolume(_, let selector, let matching):
      return "\(selector) is more than one volume: " + Self.list(matching) + "; name one by its number"
    }
  }

  /// The status of sysexits(3) that a command ends with.
  public var exitStatus: Int32 {
    switch self {
    case .cannotOpen(_, let error): error.exitStatus
    case .cannotRead(_, let error): error.exitStatus
    case .isEmpty, .nothingRecognized: 65
    case .offsetBeyondEnd, .noSuchVolume, .ambiguousVolume: 64
    }
  }

  /// At most sixteen of them, for a message of one line.
  private static func list(_ names: [String]) -> String {
    names.count <= 16
      ? names.joined(separator: ", ") : names.prefix(16).joined(separator: ", ") + " and \(names.count - 16) more"
  }
}
