public import Bytes
public import SystemPackage

/// Why a disk image cannot be opened.
public struct ImageError: Error, Sendable {
  public enum Kind: Sendable {
    /// The host does not open the file.
    case cannotOpen(Errno)
    /// What was read of the file is damaged, missing or unreadable.
    case unreadable(ReadError)
    /// The file contradicts its format or the files that it belongs with: what is wrong, as a sentence's predicate
    /// ("has two headers that are both damaged").
    case damaged(String)
    /// What is well-formed but not read, as a sentence's predicate ("uses the unknown feature 17").
    case unsupported(String)
    /// What may not be done, and how to allow it.
    case refused(String)
    /// A file that belongs to the image is not there, and what it is called is not known: a sentence's predicate.
    case missing(String)
    /// What was asked for is not there.
    case usage(String)
  }

  public let kind: Kind
  /// The file that it is about; nil for the one that was to be opened, until somebody says.
  public private(set) var path: FilePath?
  /// What can be done, as a clause; nil where nothing is known, or `kind` says it.
  public private(set) var advice: String?

  public init(_ kind: Kind, in path: FilePath? = nil, advice: String? = nil) {
    self.kind = kind
    self.path = path
    self.advice = advice
  }

  public static func damaged(_ text: String) -> ImageError { ImageError(.damaged(text)) }
  public static func unsupported(_ text: String) -> ImageError { ImageError(.unsupported(text)) }
  public static func usage(_ text: String) -> ImageError { ImageError(.usage(text)) }

  /// The same error, of the file at `path` where none is named yet.
  func located(in path: FilePath) -> ImageError {
    ImageError(kind, in: self.path ?? path, advice: advice)
  }

  /// The same error, with what can be done.
  func advising(_ advice: String) -> ImageError { ImageError(kind, in: path, advice: advice) }

  /// Runs `body`, whose errors become those of an image.
  static func wrapping<R>(_ body: () throws(ReadError) -> R) throws(ImageError) -> R {
    do { return try body() } catch {
      switch error.cause {
      case .unsupported: throw .unsupported("uses \(error.subject), which is not supported")
      case .encrypted: throw .unsupported("is encrypted, and cannot be read without its key")
      case .corrupt, .checksum, .truncated, .io: throw ImageError(.unreadable(error))
      }
    }
  }
}

extension ImageError {
  /// What is wrong and what to do, on one line, without the file's name.
  public var text: String { problem + (advice.map { "; " + $0 } ?? "") }

  private var problem: String {
    switch kind {
    case .cannotOpen(.isDirectory): "is a folder, not a disk image"
    case .cannotOpen(.notSupported): "is neither a file nor a block device"
    case .cannotOpen(let errno): "cannot open: \(errno)"
    case .unreadable(let error): "\(error)"
    case .damaged(let text), .unsupported(let text), .refused(let text), .missing(let text),
      .usage(let text):
      text
    }
  }

  /// The status of sysexits(3) that a command ends with.
  public var exitStatus: Int32 {
    switch kind {
    case .cannotOpen(.permissionDenied), .cannotOpen(.notPermitted), .refused: 77
    case .cannotOpen(.ioError): 74
    case .cannotOpen, .missing: 66
    case .unreadable(let error): error.exitStatus
    case .damaged: 65
    case .unsupported: 69
    case .usage: 64
    }
  }
}
