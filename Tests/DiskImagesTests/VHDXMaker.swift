import BlockDevices
import Bytes
import DiskImages
import Foundation
import SystemPackage
import TestSupport
import Testing

/// A folder in which VHDX files are made: by the script that writes them from the specification, or by qemu-img.
struct VHDXMaker {
  let folder: TemporaryDirectory
  init() throws { folder = try TemporaryDirectory(prefix: "vitrine-vhdx") }

  func path(_ name: String) -> String { folder.path + "/" + name }

  /// Runs a script in the folder, with everything of fixtures/vhdx/vhdx.py at hand.
  func run(_ script: String) throws {
    let head = """
      import os, random, struct, sys, uuid
      sys.dont_write_bytecode = True
      sys.path.insert(0, "\(Fixture.directory.path)/vhdx")
      from vhdx import *
      os.chdir("\(folder.path)")
      def disk(size, seed, *places):
          r, bytes = random.Random(seed), bytearray(size)
          for at, count in places: bytes[at : at + count] = r.randbytes(count)
          open("disk.raw", "wb").write(bytes)
          return bytes

      """
    try runSuccessfully(["python3", "-c", head + script])
  }

  func open(_ name: String = "image.vhdx", options: ImageOptions = ImageOptions()) throws(ImageError) -> DiskImage {
    try DiskImage(opening: FilePath(path(name)), options: options)
  }

  /// The image holds this raw disk.
  func check(_ name: String = "image.vhdx", against raw: String = "disk.raw", seed: UInt64 = 0) throws {
    try compare(open(name).disk, with: HostFile(opening: FilePath(path(raw))), seed: seed)
  }

  /// The error with which the image made by the script does not open.
  func error(_ script: String) throws -> ImageError {
    try run(script)
    return try #require(throws: ImageError.self) { try open() }
  }
}
