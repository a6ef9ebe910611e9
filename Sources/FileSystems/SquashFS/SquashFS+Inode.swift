internal import Bytes

/// Inodes, `union squashfs_inode`: a head that all have, and what their type needs; each type in a basic and an extended
/// form. They have no fixed size, and stand behind each other in the inode table's metadata blocks.
extension SquashFS {
  struct Inode: Sendable {
    enum Body: Sendable {
      case directory(Directory)
      case file(File)
      case link
      case special(DeviceNumber)
      case other
    }

    struct Directory: Sendable {
      /// Byte position of the listing's first metadata block, from the directory table on.
      let block: UInt32
      /// Bytes into that block.
      let offset: UInt16
      /// Bytes of the listing.
      let listingSize: UInt64
      /// Inode number of the directory that holds this one.
      let parent: UInt32
      /// Entries of the index behind the inode.
      let indexCount: Int
    }

    struct File: Sendable {
      /// Byte position of the first data block on the device.
      let start: UInt64
      /// Bytes that are not stored, as all of their blocks are zeros.
      let sparse: UInt64
      /// Number of the fragment that the last bytes lie in, and their offset in it; nil where it has none.
      let fragment: (number: UInt32, offset: UInt32)?
    }

    let node: NodeID
    let type: NodeType
    let permissions: UInt16
    /// Indexes of the table of owners.
    let owner: UInt16
    let group: UInt16
    let modified: UInt32
    let number: UInt32
    let linkCount: UInt32
    /// Bytes, as stat(2) has them.
    let size: UInt64
    /// nil where it has no attributes, or none can be there.
    let attributes: UInt32?
    let body: Body
    /// What follows: a file's list of blocks, a link's target, a directory's index.
    let tail: MetadataPlace
  }

  /// What stands where a number of a fragment or of attributes could be.
  static let none: UInt32 = .max

  func cursor(at node: NodeID) throws(ReadError) -> MetadataCursor {
    let place = try MetadataPlace(reference: node.rawValue, from: superblock.inodeTable, of: "inode")
    return try MetadataCursor(of: metadata, at: place, in: superblock.inodeRegion, subject: "inode")
  }

  func inode(_ node: NodeID) throws(ReadError) -> Inode {
    var cursor = try cursor(at: node)
    return try inode(node, by: &cursor)
  }

  /// The inode at the cursor, which is left where its tail begins; or behind it, where it is a link with attributes.
  func inode(_ node: NodeID, by cursor: inout MetadataCursor) throws(ReadError) -> Inode {
    let head = try cursor.read(Inode.Head.size) { (span) throws(ReadError) in try Inode.Head(parsing: span) }
    guard let form = Inode.Form(rawValue: head.form) else { throw .corrupt("inode", at: node.rawValue) }
    var body = try cursor.read(form.size) { (span) throws(ReadError) in
      try Inode.Parsed(parsing: span, form: form, node: node)
    }
    let tail = cursor.place
    if form == .extendedLink {
      // The number of its attributes stands behind the target.
      try cursor.skip(min(body.size, LinkTarget.longest + 1))
      body.attributes = try cursor.read(4) { (span) throws(ReadError) in try span.le32(0) }
    }
    return Inode(
      node: node, type: form.type, permissions: head.mode & 0o7777, owner: head.owner, group: head.group,
      modified: head.modified, number: head.number, linkCount: body.linkCount, size: body.size,
      attributes: body.attributes == Self.none ? nil : body.attributes, body: body.body, tail: tail)
  }
}

extension SquashFS.Inode {
  /// The type's number on the disk.
  enum Form: UInt16 {
    case directory = 1
    case file, link, blockDevice, characterDevice, fifo, socket
    case extendedDirectory, extendedFile, extendedLink, extendedBlockDevice, extendedCharacterDevice, extendedFIFO,
      extendedSocket

    var type: NodeType {
      switch self {
      case .directory, .extendedDirectory: .directory
      case .file, .extendedFile: .regular
      case .link, .extendedLink: .symbolicLink
      case .blockDevice, .extendedBlockDevice: .blockDevice
      case .characterDevice, .extendedCharacterDevice: .characterDevice
      case .fifo, .extendedFIFO: .fifo
      case .socket, .extendedSocket: .socket
      }
    }

    /// Bytes of the part behind the head that is always there.
    var size: Int {
      switch self {
      case .directory, .file: 16
      case .extendedDirectory: 24
      case .extendedFile: 40
      case .link, .extendedLink, .blockDevice, .characterDevice: 8
      case .extendedBlockDevice, .extendedCharacterDevice: 12
      case .fifo, .socket: 4
      case .extendedFIFO, .extendedSocket: 8
      }
    }
  }

  /// `struct squashfs_base_inode`.
  struct Head {
    static let size = 16
    let form: UInt16
    let mode: UInt16
    let owner: UInt16
    let group: UInt16
    let modified: UInt32
    let number: UInt32

    init(parsing span: RawSpan) throws(ReadError) {
      form = try span.le16(0)
      mode = try span.le16(2)
      owner = try span.le16(4)
      group = try span.le16(6)
      modified = try span.le32(8)
      number = try span.le32(12)
    }
  }

  /// What differs from type to type.
  fileprivate struct Parsed {
    var linkCount: UInt32 = 1
    var size: UInt64 = 0
    var attributes: UInt32 = SquashFS.none
    var body: Body = .other

    init(parsing span: RawSpan, form: Form, node: NodeID) throws(ReadError) {
      switch form {
      case .directory:
        linkCount = try span.le32(4)
        size = UInt64(try span.le16(8))
        body = .directory(
          Directory(
            block: try span.le32(0), offset: try span.le16(10), listingSize: Self.listingSize(size),
            parent: try span.le32(12), indexCount: 0))
      case .extendedDirectory:
        linkCount = try span.le32(0)
        size = UInt64(try span.le32(4))
        attributes = try span.le32(20)
        body = .directory(
          Directory(
            block: try span.le32(8), offset: try span.le16(18), listingSize: Self.listingSize(size),
            parent: try span.le32(12), indexCount: Int(try span.le16(16))))
      case .file:
        size = UInt64(try span.le32(12))
        body = .file(
          File(
            start: UInt64(try span.le32(0)), sparse: 0,
            fragment: Self.fragment(try span.le32(4), try span.le32(8))))
      case .extendedFile:
        size = try span.le64(8)
        guard size <= UInt64(Int64.max) else { throw .corrupt("inode", at: node.rawValue) }
        linkCount = try span.le32(24)
        attributes = try span.le32(36)
        body = .file(
          File(
            start: try span.le64(0), sparse: try span.le64(16),
            fragment: Self.fragment(try span.le32(28), try span.le32(32))))
      case .link, .extendedLink:
        linkCount = try span.le32(0)
        size = UInt64(try span.le32(4))
        body = .link
      case .blockDevice, .characterDevice, .extendedBlockDevice, .extendedCharacterDevice:
        linkCount = try span.le32(0)
        body = .special(DeviceNumber(packed: try span.le32(4)))
        if span.byteCount > 8 { attributes = try span.le32(8) }
      case .fifo, .socket, .extendedFIFO, .extendedSocket:
        linkCount = try span.le32(0)
        if span.byteCount > 4 { attributes = try span.le32(4) }
      }
    }

    /// A directory's size has 3 added, for "." and ".." which are not stored.
    private static func listingSize(_ size: UInt64) -> UInt64 { size > 3 ? size - 3 : 0 }

    private static func fragment(_ number: UInt32, _ offset: UInt32) -> (number: UInt32, offset: UInt32)? {
      number == SquashFS.none ? nil : (number, offset)
    }
  }
}
