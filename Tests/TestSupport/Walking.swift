public import FileSystems

/// A file found by walking.
public struct FoundFile: Sendable {
  /// From the root, with a leading slash; only names that are UTF-8 are found.
  public let path: String
  public let node: NodeID
  public let attributes: Attributes
}

/// The regular files of a filesystem, at most `limit` of them. What cannot be read is left out.
public func regularFiles(of fileSystem: any FileSystem, limit: Int = 200) -> [FoundFile] {
  var files: [FoundFile] = []
  var directories: [(path: String, node: NodeID)] = [("", fileSystem.root)]
  var seen: Set<NodeID> = [fileSystem.root]
  while let directory = directories.popLast(), files.count < limit {
    var entries: [(name: [UInt8], node: NodeID)] = []
    try? fileSystem.list(directory.node, from: 0) { name, entry in
      entries.append((name.bytes, entry.node))
      return true
    }
    for entry in entries {
      guard let attributes = try? fileSystem.attributes(of: entry.node),
        let name = String(validating: entry.name, as: UTF8.self)
      else { continue }
      let path = directory.path + "/" + name
      if attributes.type == .regular, files.count < limit {
        files.append(FoundFile(path: path, node: entry.node, attributes: attributes))
      } else if attributes.type == .directory, seen.insert(entry.node).inserted {
        directories.append((path, entry.node))
      }
    }
  }
  return files
}
