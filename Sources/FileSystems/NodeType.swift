/// The kind of a node. The raw value is the `S_IFMT` part of `st_mode`, the same on every Linux.
public enum NodeType: UInt16, Sendable {
  case fifo = 0o010000
  case characterDevice = 0o020000
  case directory = 0o040000
  case blockDevice = 0o060000
  case regular = 0o100000
  case symbolicLink = 0o120000
  case socket = 0o140000

  /// From the number by which directories of ext4 and EROFS tell it (Linux's `FT_*`); nil for any other.
  init?(entryType: UInt8) {
    switch entryType {
    case 1: self = .regular
    case 2: self = .directory
    case 3: self = .characterDevice
    case 4: self = .blockDevice
    case 5: self = .fifo
    case 6: self = .socket
    case 7: self = .symbolicLink
    default: return nil
    }
  }
}
