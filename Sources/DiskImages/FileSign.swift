public import BlockDevices
internal import Bytes

/// What a file that holds no disk looks like: only to say so.
public enum FileSign {
  private static let signs: [(offset: UInt64, bytes: [UInt8], name: String)] = [
    (0, [0x1F, 0x8B], "a gzip file: unpack it first"),
    (0, [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], "an xz file: unpack it first"),
    (0, [0x28, 0xB5, 0x2F, 0xFD], "a Zstandard file: unpack it first"),
    (0, Array("BZh".utf8), "a bzip2 file: unpack it first"),
    (0, [0x50, 0x4B, 0x03, 0x04], "a ZIP file: unpack it first"),
    (0, [0x3A, 0xFF, 0x26, 0xED], "an Android sparse image: unpack it by simg2img first"),
    (0, [0x7F, 0x45, 0x4C, 0x46], "a program (ELF)"),
    (257, Array("ustar".utf8), "a tar archive"),
  ]

  /// What `disk` looks like, as a noun phrase; nil where it looks like nothing known.
  public static func describe(_ disk: any BlockDevice) -> String? {
    guard let head = try? disk.bytes(Int(min(disk.size, 512)), at: 0) else { return nil }
    for sign in signs where head.dropFirst(Int(sign.offset)).starts(with: sign.bytes) { return sign.name }
    return nil
  }
}
