import Foundation
import TestSupport
import Testing

/// Damages the images of all fixtures at random, and walks them in a process that must survive it.
///
/// `VITRINE_FUZZ_SECONDS` says for how long (20), `VITRINE_FUZZ_SEED` which damage; each failure names the seed and the
/// case. `VITRINE_FUZZ_CASE` repeats one case; `VITRINE_FUZZ_FORMATS` names the folders of fixtures, between commas.
@Suite struct CorruptionTests {
  @Test func damagedImagesNeitherTrapNorHang() throws {
    let environment = ProcessInfo.processInfo.environment
    let seed = environment["VITRINE_FUZZ_SEED"].flatMap(UInt64.init) ?? UInt64.random(in: 0..<(1 << 32))
    let seconds = environment["VITRINE_FUZZ_SECONDS"].flatMap(Double.init) ?? 20
    let onlyCase = environment["VITRINE_FUZZ_CASE"].flatMap(Int.init)
    print("VITRINE_FUZZ_SEED=\(seed)")
    // What a recipe makes anew each time is large, and its bytes are not always the same.
    let only = environment["VITRINE_FUZZ_FORMATS"]?.split(separator: ",").map(String.init)
    let formats = try only ?? FileManager.default.contentsOfDirectory(atPath: Fixture.directory.path).sorted()
    let fixtures = formats.flatMap { Fixture.all(of: $0) }.filter { $0.hasImage }
    let images = try fixtures.flatMap { try $0.files() }
    try #require(images.count > (only == nil ? 50 : 0))

    let scratch = try TemporaryDirectory()
    let status = scratch.url.appendingPathComponent("status")
    let start = Date()
    var next = onlyCase ?? 0
    var failures = 0
    while failures < 10 {
      let left = max(1, seconds - Date().timeIntervalSince(start))
      let result = try run(
        [Self.fuzzer.path, "\(seed)", "\(next)", onlyCase == nil ? "1000000000" : "1", "\(left)", scratch.path]
          + images,
        // Looking up symbols takes seconds: only where one case is looked at.
        environment: ["SWIFT_BACKTRACE": onlyCase == nil ? "enable=no" : "enable=yes,color=no"], timeout: left + 120)
      let line = (try? String(contentsOf: status, encoding: .utf8))?.split(separator: "\n").first ?? ""
      let words = line.split(separator: " ")
      let number = try #require(words.first.flatMap { Int($0) }, "\(result.errors)")
      if result.succeeded {
        print(result.output)
        break
      }
      failures += 1
      let image = words.dropFirst().first.map { String($0.split(separator: "/").last ?? "") } ?? ""
      Issue.record(
        """
        VITRINE_FUZZ_SEED=\(seed) VITRINE_FUZZ_CASE=\(number) (\(image)): exit status \(result.status)
        \(result.errors.suffix(2000))
        """)
      next = number + 1
      if onlyCase != nil || Date().timeIntervalSince(start) > seconds { break }
    }
  }

  /// Built beside the test bundle.
  private static let fuzzer = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().appendingPathComponent("CorruptionFuzzer")
}

extension Fixture {
  fileprivate var hasImage: Bool {
    FileManager.default.fileExists(atPath: directory.appendingPathComponent("image.zst").path)
      || FileManager.default.fileExists(atPath: directory.appendingPathComponent("image.tar.zst").path)
  }
}
