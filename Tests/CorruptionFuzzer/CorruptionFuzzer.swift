import BlockDevices
import Bytes
import DiskImages
import DiskStack
import FileSystems
import Glibc
import SystemPackage

/// Opens damaged images and walks them: a process of its own, so that a trap or a hang ends only this one.
///
///     CorruptionFuzzer SEED FIRST-CASE CASES SECONDS FOLDER IMAGE…
///
/// Ends after `CASES` cases or `SECONDS` seconds. A case's damage follows from the seed, its number and the images
/// alone. Before each, the file `status` in the folder is made to
/// name it. Exit status 0 means that nothing is wrong; else the process
/// traps, is killed by SIGPROF (a case took too much processor time) or says on the standard error what is broken.
@main
struct CorruptionFuzzer {
  let seed: UInt64
  var targets: [String: Target] = [:]
  let images: [String]
  /// Where a damaged image goes when it has to be a file.
  let copyPath: FilePath

  /// Filesystems that could be opened in spite of the damage, and nodes in them that have attributes: a fuzzer that
  /// gets no further than the superblock finds nothing.
  private var openings = 0
  private var nodes = 0
  private var comparisons = 0
  private var bytesRead = 0

  static let memoryLimit = 400 << 20
  static let processorSeconds = 10

  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count > 6, let seed = UInt64(arguments[1]), let first = Int(arguments[2]),
      let count = Int(arguments[3]), let seconds = Double(arguments[4])
    else {
      say("usage: CorruptionFuzzer SEED FIRST-CASE CASES SECONDS FOLDER IMAGE…")
      leave(64)
    }
    let status = try FileDescriptor.open(
      FilePath(arguments[5]).appending("status"), .readWrite, options: [.create], permissions: .ownerReadWrite)
    limitAddressSpace(toBytes: 8 << 30)
    var fuzzer = CorruptionFuzzer(
      seed: seed, images: Array(arguments[6...]), copyPath: FilePath(arguments[5]).appending("copy"))
    let end = now() + seconds
    var number = first
    while number < first + count, now() < end {
      var random = fuzzer.random(ofCase: number)
      let image = fuzzer.images[random.below(fuzzer.images.count)]
      // Padded, so that nothing is left of a longer line before.
      let line = "\(number) \(image)"
      let padded = line + String(repeating: " ", count: max(1, 400 - line.utf8.count)) + "\n"
      _ = try status.writeAll(toAbsoluteOffset: 0, Array(padded.utf8))
      limitProcessorTime(toSeconds: processorSeconds)
      try fuzzer.run(image, &random)
      if peakMemory() > memoryLimit { fail("peak of memory: \(peakMemory()) bytes") }
      number += 1
    }
    _ = try status.writeAll(toAbsoluteOffset: 0, Array("\(number) done\n".utf8))
    print(
      """
      \(number - first) cases, of which \(fuzzer.openings) could be opened; \(fuzzer.nodes) nodes seen; \
      \(fuzzer.comparisons) answers compared; \(fuzzer.bytesRead >> 20) MiB of images read; \
      \(peakMemory() >> 20) MiB at the peak
      """)
  }

  init(seed: UInt64, images: [String], copyPath: FilePath) {
    self.seed = seed
    self.images = images
    self.copyPath = copyPath
  }

  private func random(ofCase number: Int) -> Random {
    var random = Random(seed: seed ^ UInt64(number) &* 0xD134_2543_DE82_EF95)
    _ = random.next()
    return random
  }

  /// An image, by itself.
  private mutating func walk(_ device: MutatedDevice, _ path: FilePath, _ seed: UInt64) {
    let image: DiskImage
    do { image = try DiskImage(in: device, path: path) } catch {
      if error.text.isEmpty { fail("an error without words") }
      return
    }
    var walk = ImageWalk(image, seed: seed)
    walk.run()
    openings += 1
    bytesRead += walk.bytesRead
  }

  private mutating func walk(_ fileSystem: any FileSystem, _ seed: UInt64) {
    var walk = Walk(fileSystem, seed: seed, readsFiles: true)
    walk.run()
    openings += 1
    nodes += walk.nodeCount
  }

  private mutating func run(_ image: String, _ random: inout Random) throws {
    let target = try targets[image] ?? Target(image)
    targets[image] = target
    if let answers = target.answers, random.oneIn(4) {
      compare(target.withOneBitFlipped(&random), with: answers)
      return
    }
    let device = target.mutated(&random)
    let walkSeed = random.next()
    if target.kind == .image && !random.oneIn(8) {
      walk(device, target.file.path, walkSeed)
    } else if target.kind != .fileSystem || random.oneIn(8) && target.file.allocatedSize <= 8 << 20 {
      try copy(device, over: target.file)
      runStack(walkSeed)
    } else {
      for driver in FileSystemCatalog.drivers {
        guard let fileSystem = try? driver.init(reading: device, options: OpenOptions(metadataBudget: 1 << 20)) else {
          continue
        }
        walk(fileSystem, walkSeed)
      }
    }
  }

  /// A walk like the one that found the undamaged filesystem's answers.
  private mutating func compare(_ device: MutatedDevice, with answers: Answers) {
    for driver in FileSystemCatalog.drivers {
      guard let fileSystem = try? driver.init(reading: device, options: OpenOptions()) else { continue }
      var walk = Walk(fileSystem, seed: 0, readsFiles: false)
      walk.answers = Answers(comparingWith: answers)
      walk.run()
      comparisons += walk.answers?.count ?? 0
    }
  }

  /// The whole way from the image's path, with libblkid and partition tables.
  private mutating func runStack(_ walkSeed: UInt64) {
    let stack: DiskStack
    do {
      stack = try DiskStack(opening: copyPath)
    } catch {
      if "\(error)".isEmpty { fail("an error without words") }
      return
    }
    for volume in stack.volumes {
      guard let fileSystem = volume.fileSystem else { continue }
      walk(fileSystem, walkSeed)
    }
  }

  /// Writes `device` to `copyPath`.
  /// - Parameter original: the file that `device` is a changed copy of, which says where there is anything to copy.
  private func copy(_ device: MutatedDevice, over original: HostFile) throws {
    let copy = try FileDescriptor.open(
      copyPath, .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
    try copy.closeAfter {
      try copy.resize(to: Int64(device.size))
      var position: UInt64 = 0
      while position < device.size {
        var extents = HostExtentList(limit: 64, findsHostHoles: true)
        try original.resolve(position..<device.size, into: &extents)
        for extent in extents.extents {
          if case .host = extent.kind { try write(device, position..<(position + extent.length), to: copy) }
          position += extent.length
        }
      }
      for edit in device.edits {
        try write(device, edit.offset..<(edit.offset + UInt64(edit.bytes.count)), to: copy)
      }
    }
  }

  private func write(_ device: MutatedDevice, _ range: Range<UInt64>, to copy: FileDescriptor) throws {
    var position = range.lowerBound
    let end = min(range.upperBound, device.size)
    while position < end {
      let count = Int(min(end - position, 1 << 20))
      _ = try copy.writeAll(toAbsoluteOffset: Int64(position), device.bytes(count, at: position))
      position += UInt64(count)
    }
  }
}
