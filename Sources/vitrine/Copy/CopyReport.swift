internal import Bytes
internal import Copying
internal import SystemPackage

/// Says what a copy does and what goes wrong, and keeps the exit status.
final class CopyReport: CopyObserver {
  /// As messages call it.
  var image = ""
  var progress: Progress?
  private(set) var status = ExitStatus.success
  private var isVerbose: Bool
  private let isIntoCurrentFolder: Bool
  private let output = Output()

  /// - Parameter isIntoCurrentFolder: whether paths of targets are told without the "./" in front.
  init(isVerbose: Bool, isIntoCurrentFolder: Bool) {
    self.isVerbose = isVerbose
    self.isIntoCurrentFolder = isIntoCurrentFolder
  }

  func copied(_ source: [UInt8], to target: () -> [UInt8]) {
    guard isVerbose else { return }
    progress?.clear()
    let quoting = ShellQuoting(isAlways: true)
    let line = quoting.quote(source).text + Array(" -> ".utf8) + quoting.quote(shown(target())).text
    do {
      try output.write(line + [UInt8(ascii: "\n")])
      try output.flush()
    } catch {
      // Once is enough, and the copy goes on.
      isVerbose = false
      note(.io)
      if let failure = error as? Failure { Message.write(failure.text) }
    }
  }

  func failed(_ failure: CopyFailure, at source: [UInt8], to target: () -> [UInt8]) {
    note(ExitStatus(failure))
    if case .interrupted = failure { return }
    progress?.clear()
    let place = Escaped.text(source)
    switch failure {
    case .noSocket: Message.write("\(image): \(place): warning: \(failure)")
    case .reading(let error): Message.write("\(image): \(place): \(error.plainText)")
    case .omitsFolder, .impossibleName, .secondName, .zerosInstead: Message.write("\(image): \(place): \(failure)")
    default: Message.write("\(image): \(place): cannot make \(Escaped.text(shown(target()))): \(failure)")
    }
  }

  func progressed(_ bytes: UInt64) { progress?.advance(by: bytes) }

  /// The copy was ended by a failure, of which has been told.
  func end(_ failure: CopyFailure) { note(ExitStatus(failure)) }

  private func note(_ status: ExitStatus) {
    if status.gravity > self.status.gravity { self.status = status }
  }

  private func shown(_ path: [UInt8]) -> [UInt8] { isIntoCurrentFolder ? Array(path.dropFirst(2)) : path }
}

extension ExitStatus {
  init(_ failure: CopyFailure) {
    switch failure {
    case .reading(let error): self = ExitStatus(ofPath: error)
    case .writing(let error) where [.notPermitted, .permissionDenied].contains(error): self = .notPermitted
    case .writing(.fileExists), .sameName, .isFolder, .isNoFolder, .isNoFile, .folderChanged: self = .cannotCreate
    case .writing, .interrupted: self = .io
    case .omitsFolder: self = .cannotOpen
    case .impossibleName, .secondName: self = .data
    case .zerosInstead(let error): self = ExitStatus(error)
    case .noSocket: self = .success
    case .noDevice: self = .notPermitted
    }
  }
}
