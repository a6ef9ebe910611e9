internal import Bytes

extension EROFS {
  /// Bytes that all regular files have together, each counted once whatever the number of its names; nil where there is
  /// too much to look at, or some of it cannot be read. There is no table of all inodes: the tree is walked.
  ///
  /// - Parameter limit: files and directories that are looked at. Memory grows with it.
  func contentSize(limit: Int = 1 << 16) -> UInt64? {
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
