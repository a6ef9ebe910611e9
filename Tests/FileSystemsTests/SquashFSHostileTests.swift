import BlockDevices
import Bytes
import FileSystems
import SystemPackage
import TestSupport
import Testing

/// Superblocks, and options of codecs, that cannot be: each is refused for what it is, and none takes the process down.
@Suite struct SquashFSHostileTests {
  enum Refusal: Equatable {
    case notRecognized, unsupported, corrupt, truncated, opens
  }

  private func open(_ fixture: String, _ edits: [(offset: UInt64, bytes: [UInt8])]) throws -> Refusal {
    let image = try HostFile(opening: FilePath(Fixture("squashfs", fixture).image()))
    do throws(OpenError) {
      _ = try SquashFS(reading: PatchedDevice(image, patches: edits), options: OpenOptions())
      return .opens
    } catch {
      switch error {
      case .notRecognized: return .notRecognized
      case .unsupported: return .unsupported
      case .unreadable(let error):
        switch error.cause {
        case .corrupt: return .corrupt
        case .unsupported: return .unsupported
        case .truncated: return .truncated
        default: return .opens
        }
      }
    }
  }

  private static let max64 = [UInt8](repeating: 0xFF, count: 8)

  /// What is changed of the superblock, and what comes of it.
  static let changes: [(what: String, offset: UInt64, bytes: [UInt8], refusal: Refusal)] = [
    ("nothing", 0, [0x68], .opens),
    ("another magic", 0, [0x69], .notRecognized),
    ("version 3", 28, [3, 0], .unsupported),
    ("version 4.1", 30, [1, 0], .unsupported),
    ("version 5", 28, [5, 0], .unsupported),
    ("no codec", 20, [0, 0], .unsupported),
    ("a codec that is not known", 20, [7, 0], .unsupported),
    ("a block size that is not what its logarithm says", 12, [0, 0, 1, 0], .corrupt),
    ("a block size of 0", 12, [0, 0, 0, 0], .corrupt),
    ("blocks of 2 KiB", 12, [0, 8, 0, 0], .corrupt),
    ("a logarithm that is absurd", 22, [0xFF, 0xFF], .corrupt),
    ("no owners", 26, [0, 0], .corrupt),
    ("a root past the table", 32, [0, 0, 0, 0, 0, 1, 0, 0], .corrupt),
    ("a root at an offset that no block has", 32, [0xFF, 0xFF], .corrupt),
    ("a root that is no node's id", 38, [0, 0x80], .corrupt),
    ("no size", 40, [UInt8](repeating: 0, count: 8), .corrupt),
    ("a size that leaves the tables out", 40, [200, 0, 0, 0, 0, 0, 0, 0], .corrupt),
    ("no table of owners", 48, max64, .corrupt),
    ("owners past the end", 48, [0, 0, 0, 0, 0, 1, 0, 0], .corrupt),
    ("attributes past the end", 56, [0, 0, 0, 0, 0, 1, 0, 0], .corrupt),
    ("inodes behind directories", 64, [0xFF, 0xFF, 0xFF], .corrupt),
    ("inodes at the largest number", 64, max64, .corrupt),
    ("directories in front of inodes", 72, [96, 0, 0, 0, 0, 0, 0, 0], .corrupt),
    ("directories at the largest number", 72, max64, .corrupt),
    ("no table of fragments, though there are some", 80, max64, .corrupt),
    ("fragments past the end", 80, [0, 0, 0, 0, 0, 1, 0, 0], .corrupt),
    ("no export table", 88, max64, .opens),
    ("an export table past the end", 88, [0, 0, 0, 0, 0, 1, 0, 0], .corrupt),
  ]

  @Test(arguments: changes.map(\.what))
  func superblock(_ what: String) throws {
    let change = try #require(Self.changes.first { $0.what == what })
    #expect(try open("gzip", [(change.offset, change.bytes)]) == change.refusal)
  }

  /// What Linux refuses is refused; what makes no difference to reading is a notice.
  @Test func optionsOfCodecs() throws {
    // Behind the superblock and the two bytes of their length.
    let start: UInt64 = 98
    #expect(try open("lz4", []) == .opens)
    #expect(try open("lz4", [(start, [2])]) == .unsupported)
    #expect(try open("lz4", [(24, [0, 0])]) == .corrupt)
    #expect(try open("xz-bcj", [(start, [0x39, 0x30, 0, 0])]) == .corrupt)
    #expect(try open("xz-bcj", [(start, [0, 0, 0, 0])]) == .corrupt)
    #expect(try open("gzip-options", [(start - 2, [4, 0x80])]) == .corrupt)
    #expect(try open("gzip-options", [(start - 2, [8, 0])]) == .corrupt)
    #expect(try open("gzip-options", [(start - 2, [0xFF, 0xFF])]) == .corrupt)
    #expect(try open("gzip-options", [(start, [99])]) == .opens)
    let notices = try openFileSystem(in: Fixture("squashfs", "odd-options").image()).summary.notices
    #expect(notices.contains { $0.contains("gzip") })
  }

  @Test func cutShortAnywhere() throws {
    let image = try HostFile(opening: FilePath(Fixture("squashfs", "gzip").image()))
    let size = try #require(openFileSystem(on: image).summary.size as UInt64?)
    for length in stride(from: 0, to: size, by: 97) {
      let device = try #require(Slice(of: image, start: 0, size: length))
      do throws(OpenError) {
        let fileSystem = try SquashFS(reading: device, options: OpenOptions())
        // All that is left out is said.
        #expect(fileSystem.summary.notices.contains { $0.contains("truncated") }, "\(length)")
      } catch {
        switch error {
        case .notRecognized: #expect(length < 96)
        case .unreadable(let error): #expect(error.cause == .truncated, "\(length): \(error)")
        case .unsupported: Issue.record("\(length): \(error)")
        }
      }
    }
  }
}
