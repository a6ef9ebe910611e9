import BlockDevices
@testable import Mounting
import SystemPackage
import Testing

@Suite struct ReplyMethodTests {
  private let file: HostFile
  init() throws { file = try HostFile(opening: "/proc/self/exe") }

  private func stored(_ length: UInt64, at offset: UInt64) -> HostExtent {
    HostExtent(.host(file, offset: offset), length: length)
  }
  private func method(_ extents: HostExtent..., slots: Int = 256) -> ReplyMethod {
    ReplyMethod(for: extents, slots: slots)
  }

  @Test func alignedPagesGoByPipe() {
    #expect(method(stored(8192, at: 4096)) == .pipe)
    #expect(method(stored(8193, at: 4096)) == .pipe)
    #expect(method(stored(4096, at: 4096)) == .copy)
    #expect(method(stored(524288, at: 512)) == .copy)
  }

  @Test func holesAloneNeedNothing() {
    #expect(method(HostExtent(.hole, length: 524288)) == .zeros)
    #expect(method(HostExtent(.hole, length: 4096), stored(262144, at: 0), HostExtent(.hole, length: 4096)) == .pipe)
  }

  @Test func mostlyCopiedRepliesAreCopiedWhole() {
    #expect(method(stored(8192, at: 0), stored(65536, at: 100)) == .copy)
  }

  @Test func whatDoesNotFitThePipeIsCopied() {
    #expect(method(stored(524288, at: 0), slots: 128) == .pipe)
    #expect(method(stored(524288, at: 0), slots: 64) == .copy)
    #expect(method(stored(524288, at: 0), slots: 0) == .copy)
  }
}
