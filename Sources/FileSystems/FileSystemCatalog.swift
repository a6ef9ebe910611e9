/// The filesystems that are read: one line each.
public enum FileSystemCatalog {
  public static let drivers: [any FileSystem.Type] = [Ext4.self, SquashFS.self, EROFS.self]

  /// The driver for what libblkid calls `typeName`, or nil where none reads it.
  public static func driver(for typeName: String) -> (any FileSystem.Type)? {
    drivers.first { $0.typeNames.contains(typeName) }
  }
}
