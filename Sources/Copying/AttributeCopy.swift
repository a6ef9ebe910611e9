internal import Browsing
internal import Bytes
internal import FileSystems
internal import Glibc
internal import Synchronization
internal import SystemPackage

/// Gives copies the modes, owners, times and extended attributes of what they are copies of; several threads may.
final class AttributeCopy: Sendable {
  private let tree: Tree
  private let options: CopyOptions
  private let user = geteuid()

  /// Extended attributes that the target did not take for some reason.
  private struct Refusal: Sendable {
    let first: [UInt8]
    var count = 0
  }

  /// By the reason.
  private let refused = Mutex<[CInt: Refusal]>([:])

  private static let accessList = Array("system.posix_acl_access".utf8)
  private static let defaultList = Array("system.posix_acl_default".utf8)

  init(of tree: Tree, options: CopyOptions) {
    self.tree = tree
    self.options = options
  }

  /// One line for each reason for which attributes were refused.
  var notices: [String] {
    refused.withLock { $0 }.sorted { $0.key < $1.key }.map { error, refusal in
      let name = Escaped.text(refusal.first)
      let count = refusal.count
      let what = count == 1 ? "extended attribute \(name)" : "\(count) extended attributes (\(name) first)"
      return "\(what) could not be kept: \(Errno(rawValue: error))"
    }
  }

  /// Takes away the access lists that a new file has from the folder it was made in.
  static func forgetInheritedLists(of node: some OpenNode) {
    for list in [accessList, defaultList] where node.hasAttribute(list) { try? node.removeAttribute(list) }
  }

  /// The extended attributes to be kept.
  func names(of facts: NodeFacts) throws(CopyFailure) -> [[UInt8]] {
    guard options.keepsAttributes else { return [] }
    do { return try tree.extendedAttributeNames(of: facts.number) } catch { throw .reading(error) }
  }

  /// What a new file is made with: its permissions, where nobody is let in by them too early.
  func firstPermissions(of facts: NodeFacts, hasAttributes: Bool) -> UInt16 {
    let permissions = facts.attributes.permissions & 0o777
    guard options.keepsAttributes else { return permissions & ~options.mask }
    let isOthers = facts.attributes.owner != user || hasAttributes
    return isOthers ? permissions & 0o700 | 0o600 : permissions
  }

  /// Gives an open file what it is to have.
  func apply(
    to node: some OpenNode, of facts: NodeFacts, names: [[UInt8]], made: HostFacts
  ) throws(CopyFailure) {
    guard options.keepsAttributes else { return }
    let source = facts.attributes
    var permissions = source.permissions
    if source.owner != made.owner || source.group != made.group {
      permissions &= setOwner(of: facts, made) { (owner, group) throws(Errno) in try node.setOwner(owner, group: group)
      }
    }
    var lists: [[UInt8]] = []
    for name in names {
      if name == Self.accessList || name == Self.defaultList {
        lists.append(name)
      } else {
        try set(name, of: facts) { (value) throws(Errno) in try node.setAttribute(name, to: value) }
      }
    }
    do throws(Errno) {
      if permissions != made.permissions || source.owner != made.owner { try node.setPermissions(permissions) }
    } catch { throw .writing(error) }
    for name in lists {
      try set(name, of: facts) { (value) throws(Errno) in try node.setAttribute(name, to: value) }
    }
    do { try node.setTimes(accessed: source.accessed, modified: source.modified) } catch { throw .writing(error) }
  }

  /// Gives a folder what it is to have, when nothing more is put into it.
  func apply(to folder: HostFolder, of facts: NodeFacts, isNew: Bool) throws(CopyFailure) {
    do throws(Errno) {
      guard options.keepsAttributes else {
        // As mkdir(2) does it: the sticky bit is given, and the set-group-id bit is the one of the folder above.
        let inherited = try folder.facts().permissions & 0o2000
        return try folder.setPermissions(facts.attributes.permissions & 0o1777 & ~options.mask | inherited)
      }
    } catch { throw .writing(error) }
    let made: HostFacts
    do { made = try folder.facts() } catch { throw .writing(error) }
    try apply(to: folder, of: facts, names: names(of: facts), made: made)
  }

  /// Gives what cannot be opened what it is to have: a symbolic link, a device, a FIFO, a socket.
  func apply(to name: [UInt8], in folder: HostFolder, of facts: NodeFacts) throws(CopyFailure) {
    guard options.keepsAttributes else { return }
    let isLink = facts.attributes.type == .symbolicLink
    do {
      guard let made = try folder.facts(of: name), made.type == facts.attributes.type else {
        throw CopyFailure.folderChanged
      }
      var permissions = facts.attributes.permissions
      permissions &= setOwner(of: facts, made) { (owner, group) throws(Errno) in
        try folder.setOwner(of: name, owner, group: group)
      }
      for attribute in try names(of: facts) {
        try set(attribute, of: facts) { (value) throws(Errno) in
          try folder.setAttribute(of: name, attribute, to: value)
        }
      }
      if !isLink && permissions != made.permissions { try folder.setPermissions(of: name, permissions) }
      try folder.setTimes(of: name, accessed: facts.attributes.accessed, modified: facts.attributes.modified)
    } catch let error as Errno {
      throw .writing(error)
    } catch { throw error as? CopyFailure ?? .folderChanged }
  }

  /// Changes the owner as far as that is permitted.
  /// - Returns: the permissions that may be given then: none that would let others act as somebody else.
  private func setOwner(
    of facts: NodeFacts, _ made: HostFacts, _ set: (UInt32?, UInt32?) throws(Errno) -> Void
  ) -> UInt16 {
    let owner = facts.attributes.owner
    let group = facts.attributes.group
    if owner == made.owner && group == made.group { return 0o7777 }
    if (try? set(owner, group)) != nil { return 0o7777 }
    var permissions: UInt16 = 0o7777
    if owner != made.owner { permissions &= ~0o4000 }
    if group != made.group && (try? set(nil, group)) == nil && facts.attributes.type != .directory {
      permissions &= ~0o2000
    }
    return permissions
  }

  private func set(
    _ name: [UInt8], of facts: NodeFacts, _ set: ([UInt8]) throws(Errno) -> Void
  ) throws(CopyFailure) {
    let value: [UInt8]?
    do { value = try tree.extendedAttribute(name.rawSpan, of: facts.number) } catch { throw .reading(error) }
    guard let value else { return }
    do throws(Errno) { try set(value) } catch {
      refused.withLock { $0[error.rawValue, default: Refusal(first: name)].count += 1 }
    }
  }
}
