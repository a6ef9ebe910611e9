import BlockDevices
import Bytes
import DiskStack
import FileSystems
import SystemPackage
import TestSupport
import Testing
import Volumes

@Suite struct SelectorTests {
  private func stack(_ format: String, _ name: String) throws -> DiskStack {
    try DiskStack(opening: FilePath(Fixture(format, name).image()))
  }

  private func volume(_ selector: String, in stack: DiskStack) throws -> Int {
    try stack.volume(matching: #require(VolumeSelector(selector))).number
  }

  @Test(arguments: [
    "2", "p2", "LABEL=root", "label=root", "UUID=44444444-0000-4000-8000-000000000002", "PARTLABEL=root",
    "PARTUUID=eeeeeeee-0000-4000-8000-000000000002", "PARTUUID=EEEEEEEE-0000-4000-8000-000000000002",
  ])
  func findsTheVolume(selector: String) throws {
    #expect(try volume(selector, in: stack("gpt", "basic")) == 2)
  }

  @Test func uuidsOfOtherKindsFindTheirVolume() throws {
    let disk = try stack("gpt", "basic")
    #expect(try volume("UUID=abcd-0001", in: disk) == 1)
    #expect(try volume("LABEL=swap", in: disk) == 3)
    #expect(try volume("PARTUUID=d15c0001-06", in: stack("mbr", "logical")) == 6)
  }

  @Test(arguments: ["0", "4", "LABEL=Root", "UUID=44444444", "PARTLABEL=", "PARTUUID=x"])
  func saysWhatIsThere(selector: String) throws {
    let disk = try stack("gpt", "basic")
    guard let parsed = VolumeSelector(selector) else {
      #expect(selector.hasSuffix("="))
      return
    }
    let error = #expect(throws: StackError.self) { try disk.volume(matching: parsed) }
    guard case .noSuchVolume(_, let asked, let present)? = error else {
      Issue.record("another error: \(String(describing: error))")
      return
    }
    #expect(asked == selector)
    #expect(
      present == [
        "1 (vfat, LABEL=ESP, PARTLABEL=EFI system)", "2 (ext4, LABEL=root, PARTLABEL=root)",
        "3 (swap, LABEL=swap, PARTLABEL=swap)",
      ])
    #expect(error?.exitStatus == 64)
    #expect(error?.text.contains("\n") == false)
  }

  @Test func ambiguousNamesTheCandidates() throws {
    let directory = try TemporaryDirectory()
    let path = try Fixture("gpt", "basic").copy(in: directory)
    // The second partition's filesystem once more in the third's place.
    try runSuccessfully([
      "dd", "if=\(path)", "of=\(path)", "bs=512", "skip=4096", "seek=8192", "count=2048", "conv=notrunc",
    ])
    let disk = try DiskStack(opening: FilePath(path))
    let error = #expect(throws: StackError.self) { try disk.volume(matching: .label("root")) }
    guard case .ambiguousVolume(_, "LABEL=root", let matching)? = error else {
      Issue.record("another error: \(String(describing: error))")
      return
    }
    #expect(matching.count == 2)
    #expect(error?.exitStatus == 64)
  }

  @Test func hybridImageIsTheWholeDisk() throws {
    let disk = try stack("hybrid", "iso")
    #expect(disk.volumes.map(\.number) == [0, 1, 2])
    #expect(try volume("LABEL=LIVE", in: disk) == 0)
    #expect(try volume("LABEL=EFI", in: disk) == 2)
  }
}
