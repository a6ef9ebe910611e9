internal import Browsing
internal import ArgumentParser
internal import Browsing
internal import Bytes
internal import Mounting
internal import SystemPackage

/// `vitrine mounts`: what is mounted where.
struct Mounts: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the images that are mounted, and where.",
    discussion: """
      Those of everybody, as far as this process sees them. Exits with 0 also where there are none.
      """)

  @OptionGroup var json: JSONArgument

  @Flag(name: [.customShort("n"), .customLong("no-headings")], help: "Leave out the line with the headings.")
  var hidesHeadings = false

  func run() throws {
    let mounts: [MountedImage]
    do { mounts = try MountedImage.all() } catch { throw Failure(error.text, .mountFailed) }
    let text = json.isWanted ? Self.json(mounts).text + "\n" : table(mounts)
    do { _ = try FileDescriptor.standardOutput.writeAll(text.utf8) } catch {
      throw Failure("cannot write the output: \(error)", .io)
    }
  }

  private func table(_ mounts: [MountedImage]) -> String {
    var rows = mounts.map { mount in
      [
        Escaped.text(mount.image), Escaped.text(mount.mountPoint), Self.volume(mount),
        mount.state == .dead ? "dead" : mount.process.map { "\($0)" } ?? "-", mount.options,
      ]
    }
    if !hidesHeadings && !rows.isEmpty { rows.insert(["IMAGE", "MOUNTPOINT", "VOLUME", "PID", "OPTIONS"], at: 0) }
    let widths = (0..<5).map { column in rows.map { InspectFormat.columns(of: $0[column]) }.max() ?? 0 }
    return rows.map { row in
      let cells = zip(row, widths).map { text, width in
        text + String(repeating: " ", count: width - InspectFormat.columns(of: text))
      }
      // Nothing stands behind the last.
      return (cells.dropLast() + [row[4]]).joined(separator: " ") + "\n"
    }.joined()
  }

  /// What of the image is shown: "p1", "LABEL=root@before upgrade", "-" for all of it.
  private static func volume(_ mount: MountedImage) -> String {
    guard let description = mount.description else { return "-" }
    let volume = description.partition.map { Int($0) == nil ? $0 : "p\($0)" }
    let snapshot = description.snapshot.map { "@\($0)" }
    let text = (volume ?? "") + (snapshot ?? "")
    return text.isEmpty ? "-" : Escaped.text(text)
  }

  /// Keys are those of lsblk(8) and findmnt(8) where they have them.
  private static func json(_ mounts: [MountedImage]) -> JSONValue {
    .object([
      (
        "mounts",
        .array(
          mounts.map { mount in
            .object([
              ("image", .string(mount.image)),
              ("mountpoint", .string(mount.mountPoint)),
              ("partition", .optional(mount.description?.partition)),
              ("snapshot", .optional(mount.description?.snapshot)),
              ("view", .optional(mount.description?.view.rawValue)),
              ("state", .string(mount.state.rawValue)),
              ("pid", mount.process.map { .number(UInt64(max($0, 0))) } ?? .null),
              ("fstype", .string(mount.type)),
              ("options", .string(mount.options)),
            ])
          })
      )
    ])
  }
}
