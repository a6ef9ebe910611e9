import FileSystems
import Foundation
import TestSupport
import Testing

/// The kernel's mount of each fixture, a mount of ours and the library, walked and compared. They know nothing of
/// each other, so what they agree on is right.
@Suite(.serialized) struct KernelTests {
  static let fixtures = Fixture.fileSystems.filter { fixture in
    (try? fixture.kernelRefusal) ?? nil == nil && !fixture.isMadeByTests && !fixture.isHostile
  }

  /// What is not damaged in a damaged image is the same for the kernel and for the library.
  static let damaged = Fixture.fileSystems.filter { fixture in
    fixture.isHostile && (try? fixture.kernelRefusal) ?? nil == nil
  }

  @Test(
    .enabled(if: Privileges.hasKernelDriver, "needs root, loop devices and the kernel's drivers"), arguments: fixtures)
  func libraryEqualsKernel(_ fixture: Fixture) throws {
    let image = try fixture.image()
    let kernel = try fixture.partKnownToKernel(of: fixture.withKernelMount { Listing(ofDirectory: $0) })
    let library = fixture.partKnownToKernel(of: Listing(of: try openFileSystem(in: image)))
    let difference = kernel.difference(from: library, named: ("kernel", "library"))
    #expect(difference == nil, "\(fixture):\n\(difference ?? "")")
  }

  @Test(
    .enabled(if: Privileges.hasKernelDriver, "needs root, loop devices and the kernel's drivers"), arguments: damaged)
  func libraryEqualsKernelBesideTheDamage(_ fixture: Fixture) throws {
    guard let text = try fixture.text("listing.txt") else { return }
    let image = try fixture.image()
    let kernel = try fixture.partKnownToKernel(of: fixture.withKernelMount { Listing(ofDirectory: $0) })
    let library = fixture.partKnownToKernel(of: Listing(of: try openFileSystem(in: image)))
    // The walk goes on below what failed in one of them only: that cannot be compared.
    let failed = library.failedPaths.union(kernel.failedPaths)
    func isDamaged(_ path: String) -> Bool {
      failed.contains { path == $0 || path.hasPrefix($0.dropLast() + "/") && $0 != "\"/\"" }
    }
    let left = kernel.droppingPaths(isDamaged)
    let right = library.droppingPaths(isDamaged)
    let difference = left.difference(from: right, named: ("kernel", "library"))
    #expect(difference == nil, "\(fixture):\n\(difference ?? "")")
    // That the comparison is not of nothing.
    #expect(left.lines.count > 3 || !text.contains("/good/file"), "\(fixture)")
  }

  @Test(.enabled(if: Privileges.hasFUSE, "needs /dev/fuse"), arguments: fixtures)
  func mountEqualsLibrary(_ fixture: Fixture) throws {
    let image = try fixture.image()
    let library = Listing(of: try openFileSystem(in: image)).dropping(["crtime"])
    let mount = try withVitrineMount(of: image) { Listing(ofDirectory: $0) }.dropping(["crtime"])
    let difference = Self.visibleToAll(library).difference(
      from: Self.visibleToAll(mount), named: ("library", "vitrine mount"))
    #expect(difference == nil, "\(fixture):\n\(difference ?? "")")
  }

  @Test(.enabled(if: Privileges.hasFUSE, "needs /dev/fuse"), arguments: Fixture.fileSystems.filter(\.isHostile))
  func mountOfDamagedImageGoesOn(_ fixture: Fixture) throws {
    let image = try fixture.image()
    guard let fileSystem = try? openFileSystem(in: image) else { return }
    let library = Listing(of: fileSystem).dropping(["crtime"])
    let mount = try withVitrineMount(of: image) { Listing(ofDirectory: $0) }.dropping(["crtime"])
    let failed = library.failedPaths.union(mount.failedPaths)
    func isDamaged(_ path: String) -> Bool {
      // Of two entries with one name, FUSE's readdirplus shows the last, a look-up the first.
      path.hasPrefix("\"/twice/")
        || failed.contains { path == $0 || path.hasPrefix($0.dropLast() + "/") && $0 != "\"/\"" }
    }
    let difference = Self.visibleToAll(library.droppingPaths(isDamaged)).difference(
      from: Self.visibleToAll(mount.droppingPaths(isDamaged)), named: ("library", "vitrine mount"))
    #expect(difference == nil, "\(fixture):\n\(difference ?? "")")
    // What fails in the library fails in the mount: nothing is made up.
    #expect(library.failedPaths.subtracting(mount.failedPaths).isEmpty, "\(fixture)")
  }

  /// Without what the kernel shows to root only (`trusted.` attributes).
  private static func visibleToAll(_ listing: Listing) -> Listing {
    guard !Privileges.isRoot else { return listing }
    return listing.mapFields { _, fields in fields.filter { !$0.hasPrefix("xattr:\"trusted.") } }
  }
}
