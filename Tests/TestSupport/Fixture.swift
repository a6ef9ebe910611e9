public import Foundation
internal import Synchronization

/// One case of `fixtures/`: an image, and what is known of it.
public struct Fixture: Sendable, CustomStringConvertible {
  /// "ext4".
  public let format: String
  /// "extents".
  public let name: String

  public init(_ format: String, _ name: String) {
    self.format = format
    self.name = name
  }

  /// The top of the package.
  public static let package = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  public static let directory = package.appendingPathComponent("fixtures")

  public var directory: URL {
    Self.directory.appendingPathComponent(format).appendingPathComponent(name)
  }

  public var description: String { "\(format)/\(name)" }

  /// All cases of a format, ascending by name.
  public static func all(of format: String) -> [Fixture] {
    let folder = directory.appendingPathComponent(format)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.sorted().map { Fixture(format, $0) }
      .filter { FileManager.default.fileExists(atPath: $0.directory.appendingPathComponent("recipe.sh").path) }
  }

  /// The formats of filesystems that are read, and so are gone over by the tests of them all.
  public static let fileSystemFormats = ["ext4", "squashfs", "erofs"]

  /// All cases of all filesystems that are read, but for those that spread to several files.
  public static let fileSystems = fileSystemFormats.flatMap(all(of:))
    .filter { (try? $0.note("Image")) ?? nil == nil }

  /// A file of the case, or nil where it has none of that name.
  public func text(_ file: String) throws -> String? {
    let url = directory.appendingPathComponent(file)
    guard FileManager.default.fileExists(atPath: url.path) else { return nil }
    return try String(contentsOf: url, encoding: .utf8)
  }

  /// What the recipe's head says behind `# Key: `; nil where it says nothing.
  public func note(_ key: String) throws -> String? {
    let prefix = "# \(key): "
    for line in try text("recipe.sh")?.split(separator: "\n") ?? [] where line.hasPrefix(prefix) {
      return String(line.dropFirst(prefix.count))
    }
    return nil
  }

  /// Why the kernel does not mount the image, where it does not.
  public var kernelRefusal: String? {
    get throws {
      guard let note = try note("Kernel"), note.hasPrefix("no") else { return nil }
      return note
    }
  }

  /// Options that the kernel's mount needs beside `ro`.
  public var kernelOptions: [String] {
    get throws { try note("Kernel options")?.split(separator: ",").map(String.init) ?? [] }
  }

  /// Whether the image is too large to keep, and made by its recipe for each run of the tests.
  public var isMadeByTests: Bool { (try? note("Made by")) ?? nil != nil }

  /// Whether the image has been damaged on purpose.
  public var isHostile: Bool { name.hasPrefix("should-fail") }

  /// The path of the image, decompressed (or made by its recipe, where it is too large to keep) at most once in this
  /// process. Do not write to it.
  public func image() throws -> String { try FixtureCache.shared.image(of: self) }

  /// The image, or all files of one that consists of several.
  public func files() throws -> [String] {
    let path = try image()
    guard try note("Image") != nil else { return [path] }
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
    return try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted()
      .map { folder.appendingPathComponent($0) }
      .filter { try $0.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile == true }
      .map(\.path)
  }

  /// A copy of the image that may be changed.
  public func copy(in directory: TemporaryDirectory) throws -> String {
    let path = directory.url.appendingPathComponent("\(name).img").path
    try runSuccessfully(["cp", "--sparse=always", "--reflink=auto", image(), path])
    return path
  }
}

extension Fixture {
  /// Unpacks an image of several files; nil where it is one file. The recipe's head names the one to open.
  fileprivate func unpackFiles(into folder: URL) throws -> String? {
    let packed = directory.appendingPathComponent("image.tar.zst").path
    guard FileManager.default.fileExists(atPath: packed) else { return nil }
    guard let name = try note("Image") else { throw CocoaError(.fileReadCorruptFile) }
    let folder = folder.appendingPathComponent("\(format)-\(self.name)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try runSuccessfully(["tar", "-C", folder.path, "--zstd", "--sparse", "-xf", packed])
    return folder.appendingPathComponent(name).path
  }

  /// Bytes of the disk in an image of a virtual disk, and their SHA-256; nil where that is not known.
  public var disk: (size: UInt64, sha256: String)? {
    get throws {
      let words = try text("disk.sha256")?.split(whereSeparator: \.isWhitespace) ?? []
      guard words.count == 2, let size = UInt64(words[0]) else { return nil }
      return (size, String(words[1]))
    }
  }
}

/// The decompressed images of this process; they go away with it.
private final class FixtureCache: Sendable {
  static let shared = FixtureCache()

  private final class Slot: Sendable {
    let path = Mutex<String?>(nil)
  }
  private let slots = Mutex<(folder: TemporaryDirectory?, slots: [String: Slot])>((nil, [:]))

  func image(of fixture: Fixture) throws -> String {
    let (folder, slot) = try slots.withLock { state in
      if state.folder == nil {
        let folder = try TemporaryDirectory(prefix: "vitrine-fixtures")
        let path = folder.path
        Self.removeAtExit(path)
        state.folder = folder
      }
      let slot = state.slots[fixture.description] ?? Slot()
      state.slots[fixture.description] = slot
      return (state.folder?.url, slot)
    }
    guard let folder else { throw CocoaError(.fileNoSuchFile) }
    return try slot.path.withLock { known in
      if let known { return known }
      if let path = try fixture.unpackFiles(into: folder) {
        known = path
        return path
      }
      let path = folder.appendingPathComponent("\(fixture.format)-\(fixture.name).img").path
      let compressed = fixture.directory.appendingPathComponent("image.zst").path
      if FileManager.default.fileExists(atPath: compressed) {
        try runSuccessfully(["zstd", "-d", "-q", "-f", "--sparse", compressed, "-o", path])
      } else {
        try runSuccessfully([fixture.directory.appendingPathComponent("recipe.sh").path, path])
      }
      known = path
      return path
    }
  }

  /// Statics are never deinitialized: the folder is removed by the process's exit handler.
  private static func removeAtExit(_ path: String) {
    folderToRemove.withLock { $0 = path }
    atexit { folderToRemove.withLock { if let path = $0 { try? FileManager.default.removeItem(atPath: path) } } }
  }
}

private let folderToRemove = Mutex<String?>(nil)
