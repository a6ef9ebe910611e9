import BlockDevices
import DiskImages
import Foundation
import SystemPackage
import TestSupport
import Testing

/// Random histories of qcow2 images: writes of all kinds, snapshots, overlays, rebases and resizes, as QEMU's tools do
/// them; what comes out must be what qemu-img makes of it, byte for byte, and in what is data, zero and absent.
///
/// `VITRINE_IMAGE_SEED` repeats a history; `VITRINE_IMAGE_ROUNDS` is how many are drawn.
@Suite struct QCOW2DifferentialTests {
  @Test func randomHistories() throws {
    let environment = ProcessInfo.processInfo.environment
    let rounds: UInt64
    let first: UInt64
    if let seed = environment["VITRINE_IMAGE_SEED"].flatMap(UInt64.init) {
      (first, rounds) = (seed, 1)
    } else {
      first = UInt64.random(in: 0..<1 << 32)
      rounds = environment["VITRINE_IMAGE_ROUNDS"].flatMap(UInt64.init) ?? (Privileges.runsLongTests ? 60 : 8)
    }
    for seed in first..<(first + rounds) {
      var history = try History(seed: seed)
      do {
        for _ in 0..<Int.random(in: 4...14, using: &history.random) { try history.step() }
        try history.compareAll()
      } catch {
        Issue.record("VITRINE_IMAGE_SEED=\(seed): \(error)\n\(history.log.joined(separator: "\n"))")
      }
    }
  }
}

/// A chain of images that grows.
private struct History {
  let shop: QemuWorkshop
  var random: SeededGenerator
  let seed: UInt64
  /// What was done, to be read where something differs.
  var log: [String] = []
  private var images: [(name: String, options: String)] = []
  private var size: UInt64
  private var snapshotCount = 0

  init(seed: UInt64) throws {
    shop = try QemuWorkshop()
    self.seed = seed
    random = SeededGenerator(seed: seed)
    size = UInt64.random(in: 1...(5 << 11), using: &random) * 512
    try create()
  }

  private var top: String { images.last?.name ?? "" }

  private mutating func pick<T>(_ values: [T]) -> T {
    values[Int.random(in: 0..<values.count, using: &random)]
  }

  private mutating func create() throws {
    let extended = Int.random(in: 0..<3, using: &random) == 0
    var options = ["cluster_size=\(extended ? pick([16384, 65536, 2 << 20]) : pick([512, 4096, 65536, 2 << 20]))"]
    if extended {
      options.append("extended_l2=on")
    } else if Int.random(in: 0..<4, using: &random) == 0 {
      options.append("compat=0.10")
    }
    if !options.contains("compat=0.10") {
      options += [
        pick(["compression_type=zlib", "compression_type=zstd"]), pick(["lazy_refcounts=on", "lazy_refcounts=off"]),
      ]
    }
    let backing = images.isEmpty ? nil : top
    if backing == nil { options.append("preallocation=\(pick(["off", "off", "off", "metadata", "falloc"]))") }
    // An overlay may be of another size than its backing file.
    if backing != nil, Bool.random(using: &random) { size = UInt64.random(in: 1...(5 << 11), using: &random) * 512 }
    let name = "\(images.count).qcow2"
    log.append("create \(name) \(options.joined(separator: ",")) size \(size) backing \(backing ?? "none")")
    try shop.create(name, size: size, options: [options.joined(separator: ",")], backing: backing)
    images.append((name, options.joined(separator: ",")))
  }

  mutating func step() throws {
    switch Int.random(in: 0..<10, using: &random) {
    case 0..<6: try write()
    case 6:
      snapshotCount += 1
      log.append("snapshot \(top)")
      try shop.img("snapshot", "-c", "state \(snapshotCount)", top)
    case 7 where images.count < 4: try create()
    case 8 where images.count > 2:
      let base = images[Int.random(in: 0..<(images.count - 2), using: &random)].name
      log.append("rebase \(top) to \(base)")
      try shop.img("rebase", "-b", base, "-F", "qcow2", top)
    // The images between are nobody's backing file now, and stay as they are.
    case 9: try resize()
    default: try write()
    }
    try compare(top)
  }

  private mutating func resize() throws {
    let new = UInt64.random(in: 1...(6 << 11), using: &random) * 512
    log.append("resize \(top) to \(new)")
    // An old image with snapshots cannot be resized: then it stays as it is.
    let arguments = ["resize", "-q"] + (new < size ? ["--shrink"] : []) + [top, "\(new)"]
    if (try? shop.img(arguments)) != nil { size = new }
  }

  private mutating func write() throws {
    let options = images.last?.options ?? ""
    let cluster = options.firstMatch(of: /cluster_size=(\d+)/).flatMap { UInt64($0.1) } ?? 65536
    var commands: [String] = []
    for _ in 0..<Int.random(in: 1...6, using: &random) {
      let range = random.range(in: size, largest: 300_000)
      let (start, length) = (range.lowerBound, range.upperBound - range.lowerBound)
      let byte = UInt8.random(in: 1...255, using: &random)
      switch Int.random(in: 0..<8, using: &random) {
      case 0: commands.append("write -z \(start) \(length)")
      case 1: commands.append("write -z -u \(start) \(length)")
      case 2: commands.append("discard \(start / cluster * cluster) \(max(512, length / 512 * 512))")
      case 3, 4:
        let place = start / cluster * cluster
        if size - place >= cluster { commands.append("write -c -P \(byte) \(place) \(cluster)") }
      default: commands.append("write -P \(byte) \(start) \(length)")
      }
    }
    log.append("io \(top) \(commands)")
    // One that cannot be done (compressed data in the place of others, a discard past the end) is left out.
    for command in commands { try? shop.io(top, [command]) }
  }

  private func compare(_ name: String) throws { try shop.compare(name, seed: seed) }

  /// Every image, and every snapshot in each.
  func compareAll() throws {
    for image in images {
      try compare(image.name)
      for snapshot in try shop.open(image.name).summary.snapshots {
        try shop.img("convert", "-l", "snapshot.id=\(snapshot.id)", "-O", "raw", image.name, "snapshot.raw")
        let expected = try HostFile(opening: FilePath(shop.path("snapshot.raw")))
        let disk = try shop.open(image.name, snapshot: snapshot.id).disk
        // qemu-img shows a snapshot at the size that the disk has now.
        let common = min(disk.size, expected.size)
        guard let ours = Slice(of: disk, start: 0, size: common),
          let theirs = Slice(of: expected, start: 0, size: common)
        else { continue }
        try TestSupport.compare(ours, with: theirs, seed: seed, pieces: 30)
      }
    }
  }
}
