/// Something that `inspect` tells of filesystems of one format only: how contents are compressed, say.
public struct FileSystemDetail: Sendable, Equatable {
  public enum Value: Sendable, Equatable {
    case text(String)
    case texts([String])
    case number(UInt64)
    /// Bytes.
    case size(UInt64)
  }

  /// In lower case, with hyphens for spaces; at most eleven letters fit where people read them.
  public let name: String
  public let value: Value
  /// What people are told where the value alone says too little.
  public let text: String?

  public init(_ name: String, _ value: Value, text: String? = nil) {
    self.name = name
    self.value = value
    self.text = text
  }
}

extension FileSystem {
  public var details: [FileSystemDetail] { [] }

  /// Bytes that all regular files have together, each counted once whatever the number of its names; nil where there is
  /// too much to look at, or some of it cannot be read.
  ///
  /// - Parameter limit: files and directories that are looked at. Memory grows with it.
  public func contentSize(limit: Int = 1 << 16) -> UInt64? {
    var size: UInt64 = 0
    var directories = [root]
    var linked: Set<NodeID> = []
    var count = 0
    while let directory = directories.popLast() {
      var files: [NodeID] = []
      var isWhole = true
      do {
        try list(directory, from: 0) { _, entry in
          count += 1
          if count > limit { isWhole = false }
          switch entry.type {
          case .directory: directories.append(entry.node)
          case .regular, nil: files.append(entry.node)
          default: break
          }
          return isWhole
        }
        guard isWhole else { return nil }
        for file in files {
          let attributes = try attributes(of: file)
          if attributes.type == .directory { directories.append(file) }
          guard attributes.type == .regular, attributes.linkCount < 2 || linked.insert(file).inserted else { continue }
          let (sum, overflow) = size.addingReportingOverflow(attributes.size)
          guard !overflow else { return nil }
          size = sum
        }
      } catch { return nil }
    }
    return size
  }
}
