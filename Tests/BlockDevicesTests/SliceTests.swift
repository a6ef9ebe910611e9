import BlockDevices
import SystemPackage
import Testing

@Suite struct SliceTests {
  @Test func overflowingSliceIsRefused() throws {
    let file = try HostFile(opening: "/proc/self/exe")
    #expect(Slice(of: file, start: .max, size: 2) == nil)
  }

  @Test func bytesEqualThoseBelow() throws {
    let file = try HostFile(opening: "/proc/self/exe")
    let slice = try #require(Slice(of: file, start: 4096, size: 4096))
    #expect(try slice.bytes(100, at: 10) == file.bytes(100, at: 4106))
  }
}
