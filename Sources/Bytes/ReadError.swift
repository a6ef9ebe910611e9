public import SystemPackage

/// Why something in an image could not be read.
///
/// A small value: its text is made when it is printed. Corrupt, unsupported and unreadable are three different
/// things, and stay so up to the exit status.
public struct ReadError: Error, Sendable {
  public enum Cause: Sendable, Equatable {
    /// The bytes contradict the format's specification.
    case corrupt
    /// A stored checksum does not match the bytes it covers.
    case checksum
    /// The bytes are well-formed, but use something this program does not read.
    case unsupported
    /// The contents are encrypted and there is no key.
    case encrypted
    /// The device ends before the bytes that are asked for.
    case truncated
    /// The host could not read its file or device.
    case io(Errno)
  }

  public let cause: Cause
  /// What was being read, as a noun phrase: "inode", "extent tree", "group descriptor".
  public let subject: StaticString
  /// Where: a byte offset, block, inode number … as `subject` implies; nil where no number says more.
  public let position: UInt64?

  public init(_ cause: Cause, _ subject: StaticString, at position: UInt64? = nil) {
    self.cause = cause
    self.subject = subject
    self.position = position
  }

  public static func corrupt(_ subject: StaticString, at position: UInt64? = nil) -> ReadError {
    ReadError(.corrupt, subject, at: position)
  }

  public static func checksum(_ subject: StaticString, at position: UInt64? = nil) -> ReadError {
    ReadError(.checksum, subject, at: position)
  }

  public static func unsupported(_ subject: StaticString, at position: UInt64? = nil) -> ReadError {
    ReadError(.unsupported, subject, at: position)
  }

  public static func encrypted(_ subject: StaticString, at position: UInt64? = nil) -> ReadError {
    ReadError(.encrypted, subject, at: position)
  }

  public static func truncated(_ subject: StaticString, at position: UInt64? = nil) -> ReadError {
    ReadError(.truncated, subject, at: position)
  }

  public static func io(_ errno: Errno, _ subject: StaticString, at position: UInt64? = nil) -> ReadError {
    ReadError(.io(errno), subject, at: position)
  }
}

extension ReadError {
  /// The status of sysexits(3) that a command ends with which this error ended.
  public var exitStatus: Int32 {
    switch cause {
    case .corrupt, .checksum, .truncated: 65
    case .unsupported, .encrypted: 69
    case .io: 74
    }
  }
}

extension ReadError: CustomStringConvertible {
  public var description: String {
    let place = position.map { " (at \($0))" } ?? ""
    return switch cause {
    case .corrupt: "corrupt \(subject)\(place)"
    case .checksum: "wrong checksum of \(subject)\(place)"
    case .unsupported: "\(subject) is not supported\(place)"
    case .encrypted: "\(subject) is encrypted\(place)"
    case .truncated: "\(subject) lies past the end of the device\(place)"
    case .io(let errno): "cannot read \(subject)\(place): \(errno)"
    }
  }
}
