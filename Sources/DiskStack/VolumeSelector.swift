/// Which volume a person means: `--partition 2`, `LABEL=root`, `UUID=…`, `PARTLABEL=…`, `PARTUUID=…`.
public enum VolumeSelector: Sendable, Equatable {
  case number(Int)
  case label(String)
  case uuid(String)
  case partitionLabel(String)
  case partitionUUID(String)

  /// nil where `text` is neither a number (also as "p2") nor one of the tags above.
  public init?(_ text: String) {
    if let separator = text.firstIndex(of: "=") {
      let value = String(text[text.index(after: separator)...])
      guard !value.isEmpty else { return nil }
      switch text[..<separator].uppercased() {
      case "LABEL": self = .label(value)
      case "UUID": self = .uuid(value)
      case "PARTLABEL": self = .partitionLabel(value)
      case "PARTUUID": self = .partitionUUID(value)
      default: return nil
      }
    } else {
      let digits = text.hasPrefix("p") ? text.dropFirst() : text[...]
      guard let number = Int(digits), number >= 0 else { return nil }
      self = .number(number)
    }
  }
}
