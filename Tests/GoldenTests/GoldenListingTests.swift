import Bytes
import FileSystems
import Foundation
import TestSupport
import Testing

/// What the library makes of each fixture, against the listing kept beside it. The listings come from the kernel's
/// mounts: `VITRINE_UPDATE_GOLDEN=1 swift test --filter UpdateGolden`, as root.
@Suite struct GoldenListingTests {
  @Test(arguments: Fixture.fileSystems.filter { !$0.isHostile && !$0.isMadeByTests })
  func libraryEqualsListing(_ fixture: Fixture) throws {
    let golden = Listing(parsing: try #require(try fixture.text("listing.txt"), "\(fixture) has no listing.txt"))
    let found = Listing(of: try openFileSystem(in: fixture.image())).condensed()
    let difference = golden.difference(from: found, named: ("listing.txt", "library"))
    #expect(difference == nil, "\(fixture):\n\(difference ?? "")")
  }

  /// A damaged image fails just where its `expect.txt` says, and the rest of it reads as ever.
  @Test(arguments: Fixture.fileSystems.filter(\.isHostile))
  func damageIsContained(_ fixture: Fixture) throws {
    let expected = Expectation(parsing: try #require(try fixture.text("expect.txt"), "\(fixture) has no expect.txt"))
    let fileSystem: any FileSystem
    do {
      fileSystem = try openFileSystem(in: fixture.image())
    } catch let error as OpenError {
      #expect(Expectation.describe(error) == expected.opening, "\(fixture): \(error)")
      return
    }
    try #require(expected.opening == nil, "\(fixture) opens, though it should not")
    for notice in expected.notices {
      #expect(fileSystem.summary.notices.contains { $0.contains(notice) }, "\(fileSystem.summary.notices)")
    }
    let found = Listing(of: fileSystem)
    #expect(found.failures == expected.failures, "\(fixture)")
    let golden = Listing(parsing: try #require(try fixture.text("listing.txt"), "\(fixture) has no listing.txt"))
    let difference = golden.difference(from: found.condensed(), named: ("listing.txt", "library"))
    #expect(difference == nil, "\(fixture):\n\(difference ?? "")")
  }
}

/// What an `expect.txt` says of a damaged image. Lines:
///
///     open corrupt|unsupported FEATURE…|unrecognized     it is not opened at all
///     notice TEXT                                        it is opened, and a notice says so
///     "/path" KEY ERRNO                                  this part of this path's line in a listing fails
struct Expectation {
  var opening: String?
  var notices: [String] = []
  var failures: [String] = []

  init(parsing text: String) {
    for line in text.split(separator: "\n").map(String.init) where !line.hasPrefix("#") {
      if line.hasPrefix("open ") {
        opening = String(line.dropFirst(5))
      } else if line.hasPrefix("notice ") {
        notices.append(String(line.dropFirst(7)))
      } else {
        failures.append(line)
      }
    }
    failures.sort()
  }

  static func describe(_ error: OpenError) -> String {
    switch error {
    case .notRecognized: "unrecognized"
    case .unsupported(let features): "unsupported " + features.joined(separator: " ")
    case .unreadable(let error):
      switch error.cause {
      case .corrupt: "corrupt"
      case .checksum: "checksum"
      case .truncated: "truncated"
      default: error.description
      }
    }
  }
}
