import BlockDevices
import DiskImages
import DiskStack
import FileSystems
import Foundation
import SystemPackage
import TestSupport
import Testing

/// Filesystems that spread to further devices: found beside the image by their names, named one by one, or missing.
@Suite struct FurtherDeviceTests {
  private static let fixture = Fixture("erofs", "devices")

  /// The fixture's files in a folder of their own; the devices may lie elsewhere.
  private struct Scratch {
    let folder: TemporaryDirectory
    let elsewhere: TemporaryDirectory
    let image: String

    init(movingDevices: Bool) throws {
      folder = try TemporaryDirectory()
      elsewhere = try TemporaryDirectory()
      for file in try FurtherDeviceTests.fixture.files() {
        let name = URL(fileURLWithPath: file).lastPathComponent
        let target = movingDevices && name.hasSuffix(".blob") ? elsewhere : folder
        try FileManager.default.copyItem(atPath: file, toPath: target.path + "/" + name)
      }
      image = folder.path + "/disk.erofs"
    }

    var devices: [FilePath] { ["one", "two"].map { FilePath(elsewhere.path + "/\($0).blob") } }
  }

  private func open(_ image: String, _ change: (inout ImageOptions) -> Void = { _ in }) throws -> DiskStack {
    var options = DiskStack.Options()
    change(&options.image)
    return try DiskStack(opening: FilePath(image), options: options)
  }

  private func fileSystem(_ stack: DiskStack) throws -> any FileSystem {
    try #require(stack.volumes.first?.fileSystem)
  }

  private func expectWhole(_ stack: DiskStack) throws {
    let golden = Listing(parsing: try #require(try Self.fixture.text("listing.txt")))
    let difference = golden.difference(
      from: Listing(of: try fileSystem(stack)).condensed(), named: ("listing.txt", "library"))
    #expect(difference == nil, "\(difference ?? "")")
    #expect(try fileSystem(stack).summary.notices == [])
  }

  @Test(.enabled(if: Privileges.hasKernelDriver, "needs root, loop devices and the kernel's drivers"))
  func readAsTheKernelReadsThem() throws {
    let files = try Self.fixture.files().filter { $0.hasSuffix(".blob") }
    var loops: [String] = []
    defer { for loop in loops { _ = try? run(["losetup", "-d", loop]) } }
    for file in files {
      let made = try runSuccessfully(["losetup", "-f", "-r", "--show", file]).output
      loops.append(made.trimmingCharacters(in: .whitespacesAndNewlines))
    }
    let kernel = try withKernelMount(of: Self.fixture.image(), type: "erofs", options: loops.map { "device=\($0)" }) {
      Listing(ofDirectory: $0)
    }
    let library = Listing(of: try fileSystem(open(Self.fixture.image())))
    let difference = kernel.difference(from: library, named: ("kernel", "library"))
    #expect(difference == nil, "\(difference ?? "")")
  }

  /// All devices hold something of a file.
  @Test func contentsAreSpread() throws {
    let fileSystem = try fileSystem(open(Self.fixture.image()))
    #expect(fileSystem.sources.count == 3)
    var sources: Set<Int> = []
    for file in regularFiles(of: fileSystem, limit: 20) where file.attributes.size > 0 {
      var extents = ExtentList(limit: 1000)
      try fileSystem.map(file.node, 0..<file.attributes.size, into: &extents)
      for extent in extents.extents { if case .mapped(let source, _) = extent.kind { sources.insert(source) } }
    }
    #expect(sources == [0, 1, 2])
  }

  @Test func areFoundBesideTheImage() throws {
    let scratch = try Scratch(movingDevices: false)
    try expectWhole(try open(scratch.image))
  }

  @Test func canBeNamed() throws {
    let scratch = try Scratch(movingDevices: true)
    try expectWhole(try open(scratch.image) { $0.devices = scratch.devices })
  }

  @Test func whatLiesOnAMissingOneCannotBeRead() throws {
    let scratch = try Scratch(movingDevices: true)
    let stack = try open(scratch.image) { $0.devices = [scratch.devices[0]] }
    let fileSystem = try fileSystem(stack)
    #expect(
      fileSystem.summary.notices == [
        "further device 2 (two.blob) is missing: what lies on it cannot be read; --device says where it is"
      ])
    let listing = Listing(of: fileSystem)
    #expect(
      listing.failures == [
        "\"/dir/mixed\" data ENXIO", "\"/dir/mixed\" sha256 ENXIO", "\"/dir/other\" data ENXIO",
        "\"/dir/other\" sha256 ENXIO", "\"/text\" data ENXIO", "\"/text\" sha256 ENXIO",
      ])
  }

  @Test func oneTooManyIsAMistake() throws {
    let scratch = try Scratch(movingDevices: false)
    let error = #expect(throws: StackError.self) {
      try open(scratch.image) { $0.devices = Array(repeating: FilePath(scratch.image), count: 3) }
    }
    #expect(error?.exitStatus == 64)
    #expect(error?.text.contains("has no further device that") == true)
    let plain = try Fixture("erofs", "plain").image()
    #expect(throws: StackError.self) { try open(plain) { $0.devices = [FilePath(scratch.image)] } }
  }

  @Test func oneThatIsNotThereIsAnError() throws {
    let scratch = try Scratch(movingDevices: false)
    let error = #expect(throws: StackError.self) {
      try open(scratch.image) { $0.devices = [FilePath(scratch.folder.path + "/none")] }
    }
    #expect(error?.exitStatus == 66)
  }

  /// The image's maker chose the names: a link that leads out of the folder is not followed.
  @Test func linksOutOfTheFolderAreRefused() throws {
    let scratch = try Scratch(movingDevices: true)
    for name in ["one.blob", "two.blob"] {
      try FileManager.default.createSymbolicLink(
        atPath: scratch.folder.path + "/" + name, withDestinationPath: scratch.elsewhere.path + "/" + name)
    }
    let refused = try open(scratch.image)
    #expect(refused.notices.count == 2)
    #expect(refused.notices.allSatisfy { $0.contains("outside of the image's folder; --allow-external-files") })
    #expect(try fileSystem(refused).summary.notices.count == 2)
    try expectWhole(try open(scratch.image) { $0.allowsExternalFiles = true })
  }

  /// What lies on a further device has no place in the volume, but one in a file.
  @Test func extentsTellOfTheFileThatHoldsThem() throws {
    let scratch = try Scratch(movingDevices: false)
    let table = try runSuccessfully([vitrineBinary, "extents", "disk.erofs", "/text"], in: scratch.folder.url).output
    let halves = table.components(separatedBy: "In disk.erofs:\n")
    #expect(halves.count == 2 && halves[0].contains("unknown_loc") && !halves[0].contains("encoded"), "\(table)")
    #expect(halves.last?.contains("  in one.blob:\n") == true || halves.last?.contains("  in two.blob:\n") == true)
    let text = try runSuccessfully([vitrineBinary, "extents", "--json", "disk.erofs", "/text"], in: scratch.folder.url)
      .output
    for extent in text.components(separatedBy: "{") where extent.contains("volume-offset") {
      #expect(extent.contains("\"state\": \"elsewhere\"") == extent.contains("\"disk-offset\": null"), "\(extent)")
    }
    #expect(text.contains("\"elsewhere\"") && text.contains(".blob\", \"state\": \"written\""))
  }
}
