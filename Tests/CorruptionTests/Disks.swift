import Foundation
import TestSupport

/// Disk images whose tables can be damaged: each holds a filesystem of the fixtures in its first partition.
struct Disks {
  let images: [String]

  /// Names, and what sfdisk is told.
  private static let layouts: [(name: String, script: String)] = [
    ("gpt", "label: gpt\nstart=2048, size=8192, name=one\nstart=16384, name=two\n"),
    (
      "mbr",
      "label: dos\nstart=2048, size=8192, type=83\nsize=4096, type=82\ntype=5\nsize=2048\nsize=2048\nsize=2048\n"
    ),
  ]

  /// - Parameter fileSystem: the path of an image of at most 4 MiB, where there is one.
  init(in directory: TemporaryDirectory, fileSystem: String?) throws {
    images = try Self.layouts.map { layout in
      let image = directory.url.appendingPathComponent("disk-\(layout.name).img").path
      try runSuccessfully(["truncate", "--size=16M", image])
      let script = directory.url.appendingPathComponent("script").path
      try Data(layout.script.utf8).write(to: URL(fileURLWithPath: script))
      try runSuccessfully([
        "sh", "-c", "sfdisk --quiet \"$1\" < \"$2\"", "sh", image, script,
      ])
      if let fileSystem {
        try runSuccessfully(["dd", "if=\(fileSystem)", "of=\(image)", "bs=1M", "seek=1", "conv=notrunc", "status=none"])
      }
      return image
    }
  }
}
