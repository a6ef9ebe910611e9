import FileSystems
import Foundation
import TestSupport
import Testing

/// Makes the listings of the fixtures anew. Not a test but a tool, which needs what the tests need: asked for by
/// `VITRINE_UPDATE_GOLDEN=1`, where `VITRINE_FIXTURE=NAME` chooses one case, or one format.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["VITRINE_UPDATE_GOLDEN"] == "1"))
struct UpdateGoldenTests {
  @Test(arguments: Fixture.fileSystems.filter { !$0.isMadeByTests })
  func update(_ fixture: Fixture) throws {
    let only = ProcessInfo.processInfo.environment["VITRINE_FIXTURE"]
    if let only, ![fixture.name, fixture.format, fixture.description].contains(only) {
      return
    }
    let image = try fixture.image()
    let listing: Listing
    let maker: String
    if let refusal = try fixture.kernelRefusal {
      guard let fileSystem = try? openFileSystem(in: image) else { return }
      maker = "the library; the kernel: \(refusal)"
      listing = Listing(of: fileSystem)
    } else if fixture.isHostile {
      // Where the damage shows, the library and the kernel may well differ; elsewhere they must not, which
      // DifferentialTests sees to.
      guard let fileSystem = try? openFileSystem(in: image) else { return }
      maker = "the library; what is not damaged equals the kernel's mount"
      listing = Listing(of: fileSystem)
    } else {
      maker = "the kernel's mount"
      try #require(fixture.kernelTellsHoles, "this kernel is too old to tell where \(fixture) has holes")
      listing = try fixture.withKernelMount { Listing(ofDirectory: $0) }
    }
    let text = "# Made by \(maker)\n" + listing.condensed().text
    try text.write(to: fixture.directory.appendingPathComponent("listing.txt"), atomically: true, encoding: .utf8)
  }
}
