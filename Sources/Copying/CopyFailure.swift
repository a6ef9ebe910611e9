public import Bytes
public import SystemPackage

/// Why something was not copied.
public enum CopyFailure: Error, Sendable {
  /// What was to be read of the image.
  case reading(ReadError)
  /// The host refuses it.
  case writing(Errno)
  /// Something else that was copied has a name that the target takes for the same.
  case sameName
  /// A folder stands where a file is to go.
  case isFolder
  /// Something else stands where a folder is to go.
  case isNoFolder
  /// A device, a pipe or a socket stands where a file is to go: a copy would take its place.
  case isNoFile
  /// A folder, and folders are not asked for.
  case omitsFolder
  /// A name that no folder can hold.
  case impossibleName
  /// A device node, which this user must not make.
  case noDevice
  /// A folder that was made here is not in its place any more.
  case folderChanged
  /// Another file of the folder has the same name.
  case secondName
  /// A socket, for which archives have no place.
  case noSocket
  /// Contents that could not be read when the archive said already how long they are.
  case zerosInstead(ReadError)
  /// Somebody wants an end.
  case interrupted

  /// Whether an archive cannot go on.
  var endsArchive: Bool {
    switch self {
    case .interrupted, .writing: true
    default: false
    }
  }

  /// Whether nothing else could be copied either.
  public var endsCopy: Bool {
    switch self {
    case .interrupted: true
    case .writing(let error): [.noSpace, .diskQuotaExceeded, .ioError, .readOnlyFileSystem].contains(error)
    default: false
    }
  }
}

extension CopyFailure: CustomStringConvertible {
  public var description: String {
    switch self {
    case .reading(let error): error.description
    case .writing(let error): "\(error)"
    case .sameName: "another file that was copied has a name which is the same there; it was not copied"
    case .isFolder: "there is a folder of that name already"
    case .isNoFolder: "there is something of that name already which is no folder"
    case .isNoFile: "there is a device, a pipe or a socket of that name; to write into it, use vitrine cat"
    case .omitsFolder: "it is a folder; copy it with -r"
    case .impossibleName: "corrupt folder: no file can have that name"
    case .noDevice: "device nodes can be made by root only"
    case .folderChanged: "the folder that was made for it has been moved or replaced"
    case .secondName: "corrupt folder: it has another file of that name"
    case .noSocket: "it is a socket, for which archives have no place; left out"
    case .zerosInstead(let error): "\(error); in the archive, zeros stand in its place"
    case .interrupted: "interrupted"
    }
  }
}

/// Is told how a copy goes.
public protocol CopyObserver: AnyObject {
  /// `source` has been copied to `target`; paths as a person would write them.
  func copied(_ source: [UInt8], to target: () -> [UInt8])
  /// Something was not copied. The copy goes on, unless the failure ends it.
  func failed(_ failure: CopyFailure, at source: [UInt8], to target: () -> [UInt8])
  /// Bytes of contents were copied or left out as holes.
  func progressed(_ bytes: UInt64)
}
