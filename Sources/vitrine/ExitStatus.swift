internal import Bytes

/// How the program ends, by sysexits(3).
enum ExitStatus: Int32 {
  case success = 0
  case usage = 64
  /// The image is corrupt, or nothing that is known.
  case data = 65
  case cannotOpen = 66
  /// What is there is known, but not read.
  case notSupported = 69
  /// The mount itself failed.
  case mountFailed = 71
  /// What is copied cannot be made where it is to go.
  case cannotCreate = 73
  case io = 74
  case notPermitted = 77

  init(_ error: ReadError) {
    switch error.cause {
    case .corrupt, .checksum, .truncated: self = .data
    case .unsupported, .encrypted: self = .notSupported
    case .io: self = .io
    }
  }
}
