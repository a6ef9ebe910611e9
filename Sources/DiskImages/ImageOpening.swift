internal import BlockDevices
internal import Bytes
internal import SystemPackage

/// What the opening of an image shares with that of all the files it names: which of them may be opened, which are open
/// already, and the memory for tables.
final class ImageOpening {
  /// Backing files behind one another at most.
  static let depthLimit = 200
  /// Files that one disk can consist of at most, backing files and extents together.
  static let fileLimit = 4096

  let tableBudget = TableBudget()
  let allowsExternalFiles: Bool
  /// Real paths of the folders whose files may be opened: the one that the image was opened in, and that of a backing
  /// file that was given.
  private var folders: [FilePath] = []
  /// The chain of images being opened: a file in it twice is a loop.
  private var chain: [HostFile.Identity] = []
  private var openFiles = 0

  /// Bytes of the cache for tables of the image being opened: backing files get less and less.
  var cacheBudget: Int { (4 << 20) >> min(max(chain.count, 1) - 1, 6) }

  init(image path: FilePath, options: ImageOptions) {
    allowsExternalFiles = options.allowsExternalFiles
    allowFiles(beside: path)
  }

  /// Whoever runs this program has named the file at `path`: what is in its folder may be opened.
  private func allowFiles(beside path: FilePath) {
    if let folder = try? FileLocation(path.removingLastComponent(orDot: true)).realPath { folders.append(folder) }
  }

  /// Opens the file that the image at `path` calls `name`.
  /// - Parameter isLiteral: whether `name` is a path as it stands.
  func open(_ name: String, namedBy path: FilePath, isLiteral: Bool = false) throws(ImageError) -> HostFile {
    let named = isLiteral ? FilePath(name) : try Self.path(name, namedBy: path)
    return try open(named, called: name, namedBy: path, mayBeAnywhere: allowsExternalFiles)
  }

  /// Opens the file that the image at `path` calls `name`, to see what it is. It is no part of the image by that.
  func peek(_ name: String, namedBy path: FilePath) throws(ImageError) -> HostFile {
    openFiles -= 1
    return try open(name, namedBy: path)
  }

  func openParent(_ names: [String], format: ImageFormat?, of child: ImageFile) throws(ImageError) -> DiskImage {
    let file: HostFile
    var options = ImageOptions()
    options.units = child.options.units
    options.format = format
    if let given = child.options.backingFile {
      // The one who runs this program names it, so it can be anywhere; and its format is what its content says.
      file = try open(given, called: given.string, namedBy: child.path, mayBeAnywhere: true)
      if format != .raw { options.format = nil }
      allowFiles(beside: given)
    } else {
      do { file = try openFirst(names, namedBy: child.path) } catch {
        // Only that of the image itself can be named.
        guard case .cannotOpen = error.kind, chain.count <= 1 else { throw error }
        throw error.advising("if it lies elsewhere, --backing-file says where")
      }
    }
    return DiskImage(try open(file, options: options))
  }

  /// Opens an image of which nothing is open yet.
  func open(_ file: HostFile, options: ImageOptions) throws(ImageError) -> DiskImage.Parts {
    guard !chain.contains(file.identity) else {
      throw ImageError(.damaged("is its own backing file: the chain is a loop"), in: file.path)
    }
    guard chain.count < Self.depthLimit else {
      throw ImageError(
        .unsupported("is the end of a chain of \(Self.depthLimit) backing files, and longer ones are not opened"),
        in: file.path)
    }
    chain.append(file.identity)
    defer { chain.removeLast() }
    let split = try SplitFile(startingWith: file, opening: self)
    return try DiskImage.open(
      ImageFile(device: split?.device ?? file, path: file.path, opening: self, options: options),
      files: split?.files ?? [file])
  }

  /// Opens the first of the files that the image at `path` may mean which is there.
  func openFirst(_ names: [String], namedBy path: FilePath) throws(ImageError) -> HostFile {
    var problem: ImageError?
    for name in names {
      do throws(ImageError) {
        return try open(name, namedBy: path)
      } catch {
        // Something that is there but may not be opened says more than something that is not there.
        if case .refused = problem?.kind { continue }
        if case .cannotOpen = error.kind, problem != nil { continue }
        problem = error
      }
    }
    throw problem ?? ImageError(.damaged("names no backing file, though it has one"), in: path)
  }

  private func open(
    _ path: FilePath, called name: String, namedBy image: FilePath, mayBeAnywhere: Bool
  ) throws(ImageError) -> HostFile {
    openFiles += 1
    guard openFiles <= Self.fileLimit else {
      throw ImageError(.unsupported("consists of more than \(Self.fileLimit) files"), in: image)
    }
    do throws(Errno) {
      let location = try FileLocation(path)
      guard mayBeAnywhere || folders.contains(where: { location.realPath.starts(with: $0) }) else {
        throw .notPermitted
      }
      return try location.open(as: path)
    } catch .notPermitted where !mayBeAnywhere {
      throw ImageError(
        .refused(
          "names \(Escaped.text(name)), which lies outside of the image's folder; "
            + "--allow-external-files opens it all the same"),
        in: image)
    } catch {
      throw ImageError(.cannotOpen(error), in: path)
    }
  }

  /// The path that `name` stands for in the image at `path`: relative to the image's folder. As qemu has it, a name may
  /// begin with a protocol, of which only `file:` leads to a file.
  private static func path(_ name: String, namedBy path: FilePath) throws(ImageError) -> FilePath {
    var name = name[...]
    if name.hasPrefix("json:") {
      throw ImageError(
        .unsupported("describes its backing file by JSON; name the file with --backing-file"), in: path)
    }
    let head = name.prefix { $0 != ":" && $0 != "/" }
    if head.count < name.count, name.dropFirst(head.count).first == ":", !head.isEmpty {
      guard head == "file" else {
        throw ImageError(
          .unsupported(
            "names \(Escaped.text(String(name))), which is no file here; name one with --backing-file"), in: path)
      }
      name = name.dropFirst("file:".count)
    }
    guard !name.isEmpty, !name.utf8.contains(0) else {
      throw ImageError(.damaged("names a file that cannot be"), in: path)
    }
    let named = FilePath(String(name))
    return named.isAbsolute ? named : path.removingLastComponent().pushing(named)
  }
}

extension FilePath {
  fileprivate func removingLastComponent(orDot: Bool) -> FilePath {
    let folder = removingLastComponent()
    return folder.isEmpty ? "." : folder
  }
}
