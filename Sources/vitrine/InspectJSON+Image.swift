internal import DiskImages
internal import FileSystems
internal import SystemPackage

extension InspectJSON {
  /// The keys of the first of `images`, with the others nested in it. Those that qemu-img has too mean the same there.
  static func members(of images: [ImageLayer]) -> [(String, JSONValue)] {
    var behind: ImageLayer?
    var members: [(String, JSONValue)] = []
    // From the last backing file on, so that a long chain is no recursion.
    for image in images.reversed() {
      let nested: JSONValue = behind == nil ? .null : .object(members)
      members = self.members(of: image, behind: behind)
      members.append(("backing-image", nested))
      behind = image
    }
    return members
  }

  private static func members(of image: ImageLayer, behind: ImageLayer?) -> [(String, JSONValue)] {
    let summary = image.summary
    return [
      ("filename", .string(image.path.string)),
      ("format", .string(image.format.rawValue)),
      ("variant", .optional(summary.variant)),
      ("virtual-size", .number(image.size)),
      ("actual-size", .number(image.actualSize)),
      ("cluster-size", summary.clusterSize.map(JSONValue.number) ?? .null),
      ("allocated-size", summary.allocatedSize.map(JSONValue.number) ?? .null),
      ("compressed", image.isCompressed.map(JSONValue.boolean) ?? .null),
      ("compression", .optional(summary.compression)),
      ("dirty-flag", .boolean(summary.isDirty)),
      ("corrupt-flag", .boolean(summary.isCorrupt)),
      ("uuid", .optional(summary.uuid)),
      ("creator", .optional(summary.creator)),
      ("created", .optional(summary.created.map { InspectFormat.time(Timestamp(seconds: $0)) })),
      ("snapshots", .array(summary.snapshots.map(snapshot))),
      ("backing-filename", .optional(summary.parentName)),
      ("full-backing-filename", .optional(behind?.path.string)),
      ("backing-filename-format", .optional(summary.parentFormat)),
      (
        "format-specific",
        summary.specific.isEmpty
          ? .null
          : .object([("type", .string(image.format.rawValue)), ("data", .object(summary.specific.map(member)))])
      ),
      ("other-files", .strings(image.files.dropFirst().map(\.path.string))),
      ("notices", .strings(summary.notices)),
    ]
  }

  private static func snapshot(_ snapshot: ImageSnapshot) -> JSONValue {
    let second: UInt64 = 1_000_000_000
    return .object([
      ("id", .string(snapshot.id)),
      ("name", .string(snapshot.name)),
      ("virtual-size", .number(snapshot.diskSize)),
      ("vm-state-size", .number(snapshot.machineStateSize)),
      ("date-sec", .signed(snapshot.seconds)),
      ("date-nsec", .number(UInt64(snapshot.nanoseconds))),
      ("vm-clock-sec", .number(snapshot.machineClock / second)),
      ("vm-clock-nsec", .number(snapshot.machineClock % second)),
    ])
  }

  private static func member(_ fact: (key: String, value: ImageFact)) -> (String, JSONValue) {
    (fact.key, value(fact.value))
  }

  /// Formats nest their facts two deep at most, whatever the image.
  private static func value(_ fact: ImageFact) -> JSONValue {
    switch fact {
    case .text(let text): .string(text)
    case .number(let number): .number(number)
    case .flag(let flag): .boolean(flag)
    case .none: .null
    case .list(let facts): .array(facts.map(value))
    case .record(let facts): .object(facts.map(member))
    }
  }
}
