internal import ArgumentParser
internal import Browsing
internal import Bytes
internal import Copying
internal import FileSystems
internal import SystemPackage

/// `vitrine tar`: an archive of what is in an image.
struct Tar: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tar",
    abstract: "Write files and folders of an image as a tar archive, without mounting it.",
    discussion: """
      The archive is one of pax (POSIX.1-2001), with extended attributes, access lists, nanoseconds and holes. The same \
      image always gives the same bytes.
      """)

  @OptionGroup var operand: ImageOperand

  @Argument(help: ArgumentHelp("What goes into the archive.", valueName: "path"))
  var paths: [ImagePath] = []

  @Option(
    name: [.customShort("f", allowingJoined: true), .customLong("file")],
    help: ArgumentHelp("Write to this file; - for standard output.", valueName: "archive"), completion: .file())
  var file = "-"

  @Flag(name: [.customShort("c"), .customLong("create")], help: "Accepted: an archive is all that is made.")
  var create = false

  @Option(
    name: [.customShort("C", allowingJoined: true), .customLong("directory")],
    help: ArgumentHelp("Paths, and names in the archive, start in this folder of the image.", valueName: "folder"))
  var folder: ImagePath = .root

  @OptionGroup var exclusion: ExclusionArgument

  @Option(help: ArgumentHelp("Leave out so many parts in front of each name.", valueName: "number"))
  var stripComponents = 0

  @Flag(name: [.customShort("v"), .customLong("verbose")], help: "Say on standard error what is written.")
  var verbose = false

  func validate() throws {
    if stripComponents < 0 { throw ValidationError("--strip-components takes 0 and more, not \(stripComponents).") }
  }

  func run() throws {
    if file == "-" { try ArchiveTarget.refuseTerminal() }
    let opened = try operand.open()
    var members: [ArchiveMember] = []
    for path in paths.isEmpty ? [.root] : paths {
      members.append(ArchiveMember(path: place(of: path.bytes), name: ArchiveMember.name(of: path.bytes)))
    }
    let exclusion = Exclusion(
      exclusion.exclude.map { pattern in
        // As GNU tar calls what lies in the folder: here, nothing is in front of the names.
        let isHere = pattern.bytes.starts(with: "./".utf8)
        return NamePattern(isHere ? place(of: Array(pattern.bytes.dropFirst(2))) : pattern.bytes)
      })
    let choice = MemberChoice(leavesOut: { exclusion.covers($0) }, strippedParts: stripComponents)
    try ArchiveMember.write(members, of: opened, to: file, choosing: choice, isVerbose: verbose)
  }
}

extension Tar {
  /// Where in the image a path leads that starts in the folder of `-C`; without what stays where it is, so that patterns
  /// can be compared with it.
  private func place(of path: [UInt8]) -> [UInt8] {
    let (slash, dot) = (UInt8(ascii: "/"), UInt8(ascii: "."))
    let names = (folder.bytes + [slash] + path).split(separator: slash).filter { $0 != [dot] }
    return [slash] + names.joined(separator: [slash])
  }
}

/// Something that goes into an archive.
struct ArchiveMember {
  let path: [UInt8]
  /// Empty for the archive's top.
  let name: [UInt8]

  /// A path as an archive has it: without slashes in front, and without what goes up.
  static func name(of path: [UInt8]) -> [UInt8] {
    let dot = UInt8(ascii: ".")
    var names: [ArraySlice<UInt8>] = []
    for name in path.split(separator: UInt8(ascii: "/")) where name != [dot] {
      if name == [dot, dot] { names.removeAll() } else { names.append(name) }
    }
    return Array(names.joined(separator: [UInt8(ascii: "/")]))
  }

  static func write(
    _ members: [ArchiveMember], of opened: BrowsedImage, to file: String,
    choosing choice: MemberChoice = MemberChoice(),
    isVerbose: Bool
  ) throws {
    let report = ArchiveReport(opened.name, isVerbose: isVerbose)
    let starts: [NodeFacts?] = members.map { member in
      do throws(ReadError) { return try opened.tree.node(at: member.path, followsLast: false) } catch {
        report.failed(.reading(error), at: member.path) { [] }
        return nil
      }
    }
    let target = try ArchiveTarget(file)
    let archive = TreeArchive(of: opened.tree, to: target.descriptor, choosing: choice, observer: report)
    do throws(CopyFailure) {
      for (member, start) in zip(members, starts) {
        if let start { try archive.add(start, from: member.path, as: member.name) }
      }
      try archive.finish()
      try target.finish()
    } catch {
      target.discard()
      Interruption.obey()
      if case .writing(let error) = error { throw Output.failure(error) }
      throw ExitCode(ExitStatus.io.rawValue)
    }
    for notice in archive.notices { Message.write("\(opened.name): warning: \(notice)") }
    if report.status != .success { throw ExitCode(report.status.rawValue) }
  }
}

/// Says what goes wrong with an archive's members, and with -v what is written.
final class ArchiveReport: CopyObserver {
  private let image: String
  private let isVerbose: Bool
  private(set) var status = ExitStatus.success

  init(_ image: String, isVerbose: Bool) {
    self.image = image
    self.isVerbose = isVerbose
  }

  func copied(_ source: [UInt8], to target: () -> [UInt8]) {
    if isVerbose { Message.writeLine(Escaped.text(target())) }
  }

  func failed(_ failure: CopyFailure, at source: [UInt8], to target: () -> [UInt8]) {
    let place = "\(image): \(Escaped.text(source))"
    switch failure {
    case .reading(let error): Message.write("\(place): \(error.plainText)")
    case .noSocket: Message.write("\(place): warning: \(failure)")
    default: Message.write("\(place): \(failure)")
    }
    let status = ExitStatus(failure)
    if status.gravity > self.status.gravity { self.status = status }
  }

  func progressed(_ bytes: UInt64) {}
}

/// Where an archive is written: standard output, or a file that gets its name when all of it is there.
final class ArchiveTarget {
  let descriptor: FileDescriptor
  private var file: PlacedFile?

  /// - Parameter path: "-" for standard output.
  init(_ path: String) throws {
    guard path != "-" else {
      descriptor = .standardOutput
      return
    }
    Interruption.note()
    do throws(Errno) {
      let file = try PlacedFile(RawArguments.bytes(of: path), mask: FileMask.takeAway())
      descriptor = file.descriptor
      self.file = file
    } catch { throw Failure("\(Escaped.text(path)): cannot write there: \(error)", .cannotCreate) }
  }

  func finish() throws(CopyFailure) {
    do { try file?.place() } catch { throw .writing(error) }
    file = nil
  }

  /// Takes away what was written so far.
  func discard() { file = nil }

  static func refuseTerminal() throws {
    guard HostEnvironment.standardOutputIsTerminal else { return }
    throw Failure("an archive is nothing for a terminal; redirect it, or name a file with -f", .usage)
  }
}
