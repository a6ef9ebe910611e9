import BlockDevices
import Bytes
import DiskImages
import SystemPackage

/// Reads the disk in an image from start to end, and keeps nothing: what `qemu-img convert` to a null target does, by
/// the library that a mount reads with.
@main
struct DiskReader {
  static func main() throws {
    guard CommandLine.arguments.count == 2 else {
      print("usage: DiskReader IMAGE")
      return
    }
    let disk = try DiskImage(opening: FilePath(CommandLine.arguments[1])).disk
    let chunk = 2 << 20
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: chunk, alignment: 4096)
    defer { unsafe buffer.deallocate() }
    var position: UInt64 = 0
    while position < disk.size {
      let count = Int(min(disk.size - position, UInt64(chunk)))
      // Safe: the buffer is as long as the longest piece, and nobody else uses it.
      let room = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(count))
      var out = unsafe OutputRawSpan(buffer: room, initializedCount: 0)
      try disk.read(count, at: position, into: &out)
      _ = unsafe out.finalize(for: room)
      position += UInt64(count)
    }
  }
}
