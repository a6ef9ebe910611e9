internal import ArgumentParser
internal import Bytes

/// In which units a command tells sizes.
struct SizeArguments: ParsableArguments {
  @Flag(name: [.customShort("h"), .customLong("human-readable")], help: "Sizes as 1.5K, 20M, 3G.")
  var humanReadable = false

  @Flag(name: .customShort("k"), help: "In units of 1024 bytes, which they are in anyway.")
  var kibibytes = false

  @Option(
    name: [.customShort("B", allowingJoined: true), .customLong("block-size")],
    help: ArgumentHelp("In units of this size: 512, 1M, KB.", valueName: "size"))
  var blockSize: String?

  func validate() throws {
    if let blockSize, SizeUnit(blockSize) == nil {
      throw ValidationError("--block-size takes a size such as 512, K or 1M, not \(Escaped.text(blockSize)).")
    }
  }

  /// - Parameter si: whether an option asks for powers of 1000.
  /// - Returns: nil where nothing is asked for.
  func unit(si: Bool) -> SizeUnit? {
    if si { return .human(base: 1000) }
    if humanReadable { return .human(base: 1024) }
    if let blockSize, let unit = SizeUnit(blockSize) { return unit }
    return kibibytes ? .blocks(1024, suffix: "") : nil
  }
}
