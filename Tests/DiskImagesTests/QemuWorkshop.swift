import DiskImages
import Foundation
import SystemPackage
import TestSupport

/// A folder in which QEMU's tools make images.
struct QemuWorkshop {
  private let folder: TemporaryDirectory
  init() throws { folder = try TemporaryDirectory(prefix: "vitrine-images") }

  var path: String { folder.path }
  func path(_ name: String) -> String { folder.path + "/" + name }

  /// Runs qemu-img in the folder; what it prints.
  @discardableResult
  func img(_ arguments: String...) throws -> String { try img(arguments) }

  @discardableResult
  func img(_ arguments: [String]) throws -> String {
    try runSuccessfully(["qemu-img"] + arguments, in: folder.url).output
  }

  func create(
    _ name: String, format: String = "qcow2", size: UInt64? = nil, options: [String] = [], backing: String? = nil,
    backingFormat: String = "qcow2"
  ) throws {
    var arguments = ["create", "-q", "-f", format]
    for option in options { arguments += ["-o", option] }
    if let backing { arguments += ["-b", backing, "-F", backingFormat] }
    arguments.append(name)
    if let size { arguments.append(String(size)) }
    try img(arguments)
  }

  /// Commands of qemu-io, each of which must succeed.
  func io(_ name: String, format: String = "qcow2", _ commands: [String]) throws {
    var arguments = ["qemu-io", "-f", format]
    for command in commands { arguments += ["-c", command] }
    let result = try runSuccessfully(arguments + [name], in: folder.url)
    if (result.output + result.errors).contains("failed") {
      throw DiskDifference(description: "qemu-io: \(result.output)\(result.errors)")
    }
  }

  func open(_ name: String, options: ImageOptions = ImageOptions()) throws(ImageError) -> DiskImage {
    try DiskImage(opening: FilePath(path(name)), options: options)
  }

  func open(_ name: String, snapshot: String) throws(ImageError) -> DiskImage {
    var options = ImageOptions()
    options.snapshot = snapshot
    return try open(name, options: options)
  }

  /// Compares all that can be said of an image with what qemu-img says.
  func compare(_ name: String, seed: UInt64 = 0) throws {
    try compareWithQemu(path(name), seed: seed)
    try compareMapWithQemu(path(name), open(name))
  }

  /// `format-specific` of qemu-img info: its data.
  func specific(_ name: String) throws -> [String: String] {
    let output = try img("info", "--output=json", name)
    return try JSONDecoder().decode(Info.self, from: Data(output.utf8)).specific?.data?.mapValues(\.text) ?? [:]
  }

  /// Overwrites bytes of a file.
  func patch(_ name: String, _ patches: (offset: UInt64, bytes: [UInt8])...) throws {
    let file = try FileHandle(forUpdating: URL(fileURLWithPath: path(name)))
    defer { try? file.close() }
    for patch in patches {
      try file.seek(toOffset: patch.offset)
      try file.write(contentsOf: Data(patch.bytes))
    }
  }

  func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path(name)))) }

  func be64(_ name: String, at offset: UInt64) throws -> UInt64 {
    let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path(name)))
    defer { try? file.close() }
    try file.seek(toOffset: offset)
    return try (file.read(upToCount: 8) ?? Data()).reduce(0) { $0 << 8 | UInt64($1) }
  }
}

private struct Info: Decodable {
  struct Specific: Decodable {
    let data: [String: Scalar]?
  }
  let specific: Specific?

  enum CodingKeys: String, CodingKey { case specific = "format-specific" }

  struct Scalar: Decodable {
    let text: String

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let flag = try? container.decode(Bool.self) {
        text = String(flag)
      } else if let number = try? container.decode(Int64.self) {
        text = String(number)
      } else {
        text = (try? container.decode(String.self)) ?? "a structure"
      }
    }
  }
}

/// A number, big-endian.
func be<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
  (0..<MemoryLayout<T>.size).reversed().map { UInt8(truncatingIfNeeded: value >> T($0 * 8)) }
}

/// A number, little-endian.
func le<T: FixedWidthInteger>(_ value: T) -> [UInt8] { be(value).reversed() }
