import Foundation
import TestSupport
import Testing

/// The manual's examples of units and of lines of fstab(5) are right.
@Suite struct UnitExampleTests {
  /// The examples by the path that stands in front of each.
  private static func examples() throws -> [String: [String]] {
    var found: [String: [String]] = [:]
    var name: String?
    for line in try ManualPage("vitrine-mount").section("With systemd") {
      if line.hasPrefix("# /etc/") {
        name = String(line.dropFirst(2))
      } else if line == ".Ed" {
        name = nil
      } else if let name {
        found[name, default: []].append(line)
      }
    }
    return found
  }

  /// `Section.Key` and its value.
  private func settings(_ lines: [String]) -> [String: String] {
    var section = ""
    var found: [String: String] = [:]
    for line in lines {
      if line.hasPrefix("[") {
        section = String(line.dropFirst().dropLast())
      } else if let separator = line.firstIndex(of: "=") {
        found["\(section).\(line[..<separator])"] = String(line[line.index(after: separator)...])
      }
    }
    return found
  }

  @Test func unitsAreTakenBySystemd() throws {
    let examples = try Self.examples()
    let units = examples.filter { $0.key.hasPrefix("/etc/systemd/system/") }
    #expect(
      Set(units.keys.map { ($0 as NSString).lastPathComponent })
        == ["disk-image.service", "mnt-disk.mount", "mnt-disk.automount"])
    let service = settings(try #require(units["/etc/systemd/system/disk-image.service"]))
    #expect(service["Service.Type"] == "notify" && service["Service.ExecStart"]?.contains("--foreground") == true)
    let mount = settings(try #require(units["/etc/systemd/system/mnt-disk.mount"]))
    let automount = settings(try #require(units["/etc/systemd/system/mnt-disk.automount"]))
    #expect(mount["Mount.Type"] == "fuse.vitrine" && mount["Mount.Where"] == automount["Automount.Where"])
    #expect(mount["Mount.Where"] == "/mnt/disk")

    // What the options are worth, the program says: it goes on to the image, which is not there.
    let folder = try TemporaryDirectory()
    let options = try #require(mount["Mount.Options"])
    let table: [String] = try #require(examples["/etc/fstab"] as [String]?)
    var lines = table.map { $0.split(separator: " ").map(String.init) }
    lines.append(["", "", "fuse.vitrine", options, "0", "0"])
    for line in lines where Privileges.isRoot {
      try #require(line.count == 6 && line[2] == "fuse.vitrine")
      let result = try run([vitrineBinary, "/nonexistent", folder.path, "-o", line[3]])
      #expect(result.status == 66, "\(line[3]): \(result.errors)")
    }
    let command = try #require(service["Service.ExecStart"]).split(separator: " ").dropFirst().map(String.init)
    let started = try run(
      [vitrineBinary]
        + command.map { $0 == "/srv/disk.img" ? "/nonexistent" : $0 }.map {
          $0 == "/run/disk" ? folder.path : $0
        })
    #expect(!Privileges.isRoot || started.status == 66, "\(started.errors)")

    guard FileManager.default.isExecutableFile(atPath: "/usr/bin/systemd-analyze") else {
      #expect(!Privileges.isCI, "systemd-analyze is missing")
      return
    }
    // It looks whether the programs are there.
    for (path, lines) in units {
      let text = lines.joined(separator: "\n").replacingOccurrences(of: "/usr/local/bin/vitrine", with: vitrineBinary)
      try (text + "\n").write(
        toFile: folder.path + "/" + (path as NSString).lastPathComponent, atomically: true, encoding: .utf8)
    }
    let result = try run(
      ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no"]
        + units.keys.sorted().map { folder.path + "/" + ($0 as NSString).lastPathComponent })
    #expect(result.succeeded && result.errors.isEmpty, "\(result.errors)")
  }

  @Test func linesAreTakenByMount() throws {
    let folder = try TemporaryDirectory()
    let lines = try #require(try Self.examples()["/etc/fstab"])
    #expect(lines.count == 2)
    let table = lines.joined(separator: "\n") + "\n"
    try table.write(toFile: folder.path + "/fstab", atomically: true, encoding: .utf8)
    let found = try runSuccessfully([
      "findmnt", "--tab-file", folder.path + "/fstab", "--list", "-n", "-o", "SOURCE,TARGET,FSTYPE",
    ])
    #expect(
      found.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) } == [
        ["/srv/disk.img", "/mnt/disk", "fuse.vitrine"], ["/srv/vm.qcow2", "/mnt/vm", "fuse.vitrine"],
      ])
  }
}
