internal import BlockDevices
internal import Browsing
internal import FileSystems
internal import Synchronization
internal import SystemPackage

/// Makes copies of files that need nothing more than a name; several threads may.
final class FileMaker: Sendable {
  let attributes: AttributeCopy
  private let tree: Tree
  private let readAhead: ReadAhead
  private let options: CopyOptions
  /// Those that nobody copies with at the moment.
  private let contents = Mutex<[ContentCopy]>([])

  init(from tree: Tree, options: CopyOptions) {
    self.tree = tree
    self.options = options
    readAhead = ReadAhead(in: tree)
    attributes = AttributeCopy(of: tree, options: options)
  }

  /// - Parameters:
  ///   - forgetsLists: whether the folder could hand on access lists of its own.
  ///   - progress: told of bytes that were copied or left out as holes.
  func make(
    _ facts: NodeFacts, in host: HostFolder, forgetsLists: Bool, progress: (UInt64) -> Void
  ) throws(CopyFailure) -> NewFile {
    let file: any BlockDevice
    do { file = try tree.file(facts.number) } catch { throw .reading(error) }
    let names = try attributes.names(of: facts)
    let target: NewFile
    do {
      target = try host.makeFile(permissions: attributes.firstPermissions(of: facts, hasAttributes: !names.isEmpty))
    } catch { throw .writing(error) }
    let content = contents.withLock { $0.popLast() } ?? ContentCopy(readAhead)
    defer { contents.withLock { $0.append(content) } }
    try content.copy(file, number: facts.number, to: target, progress: progress)
    let made: HostFacts
    do { made = try target.facts() } catch { throw .writing(error) }
    if options.keepsAttributes && forgetsLists { AttributeCopy.forgetInheritedLists(of: target) }
    try attributes.apply(to: target, of: facts, names: names, made: made)
    return target
  }
}
