import BlockDevices
import DiskImages
import DiskStack
@testable import Mounting
import SystemPackage
import Testing

@Suite struct MountOptionsTests {
  private func parsed(_ lists: String...) throws -> MountOptions {
    var options = MountOptions()
    for list in lists { try options.apply(list) }
    return options
  }

  @Test func whatMountAndFstabPassIsTaken() throws {
    let options = try parsed(
      "ro,defaults,noauto,user,nofail,_netdev,x-systemd.automount,comment=a b,noatime,nodiratime,relatime,async,exec")
    #expect(options.kernelOptions == ["noatime", "nodiratime"])
    #expect(options.mountList(sourceName: "/i").contains("nosuid"))
  }

  @Test func ownerAndMasksAreOctalWhereMasksAre() throws {
    let options = try parsed("uid=1000,gid=100,umask=027", "fmask=137")
    #expect(options.owner == 1000)
    #expect(options.group == 100)
    #expect(options.directoryMask == 0o027)
    #expect(options.fileMask == 0o137)
  }

  @Test(
    arguments: [
      ("512", 512), ("1M", 1 << 20), ("2MiB", 2 << 20), ("3K", 3072), ("1MB", 1_000_000), ("4G", 4 << 30),
      ("0x100", 256),
      ("7B", 7),
    ] as [(String, UInt64)])
  func bytesAreThoseOfLosetup(_ text: String, _ bytes: UInt64) throws {
    #expect(try parsed("offset=\(text)").offset == bytes)
  }

  @Test(arguments: [
    "rw", "bogus", "uid=", "uid=x", "uid=-1", "uid=4294967295", "umask=8", "offset=1X", "offset=-1", "offset=16E1",
    "offset=99999999999999999999", "offset=16E", "partition=", "partition=FOO=x", "view=tree", "cache=x", "reply=x",
    "max_read=4096", "timeout=-1", "timeout=nan", "uid", "ro=1", "remount", "subtype=", "format=dmg", "format=",
    "format", "snapshot=", "snapshot", "backing_file=", "backing_file", "allow_external_files=1",
  ])
  func whatIsWrongIsNamed(_ list: String) {
    var options = MountOptions()
    let error = #expect(throws: OptionError.self) { try options.apply(list) }
    let name = list.prefix { $0 != "=" }
    #expect(
      list == "rw" || list == "remount" || error?.text.contains(name) == true || error?.text.contains("FOO=x") == true
        || list == "partition=")
  }

  @Test func readWriteIsRefusedWithAdvice() {
    var options = MountOptions()
    let error = #expect(throws: OptionError.self) { try options.apply("rw,dev,suid") }
    #expect(error?.text.contains("-o ro") == true)
  }

  @Test func commasInNamesSurviveToTheMountList() throws {
    let options = try parsed(#"fsname=a\,b\\c,ro"#)
    #expect(options.sourceName == #"a,b\c"#)
    #expect(options.mountList(sourceName: "").contains(#"fsname=a\,b\\c,"#))
  }

  @Test func theMountIsReadOnlyAndUntrustedUnlessSaidOtherwise() throws {
    let list = try parsed("").mountList(sourceName: "/img").split(separator: ",")
    for option in ["ro", "nosuid", "nodev", "max_read=524288", "fsname=/img", "subtype=vitrine"] {
      #expect(list.contains(Substring(option)))
    }
    #expect(try parsed("dev,suid").mountList(sourceName: "/img").contains("dev,suid"))
  }

  @Test func decoding() throws {
    #expect(try parsed("decode_cache=16M,decode_threads=3").units.budget == 16 << 20)
    #expect(try parsed("decode_threads=3").decodeThreads == 3)
    #expect(try parsed("").units.budget == 64 << 20)
    for wrong in ["decode_cache=-1", "decode_cache=2T", "decode_threads=-1", "decode_threads=65", "decode_threads=all"]
    {
      #expect(throws: OptionError.self) { try parsed(wrong) }
    }
  }

  @Test func sectorSizes() throws {
    #expect(try parsed("sector_size=4096").sectorSize == 4096)
    for wrong in ["0", "511", "3000", "131072", "4k", "-512"] {
      #expect(throws: OptionError.self) { try parsed("sector_size=\(wrong)") }
    }
  }

  @Test func howTheImageIsRead() throws {
    let image = try parsed(#"format=VHD,snapshot=a\,b,backing_file=/srv/base 1.raw,allow_external_files"#).image
    #expect(image.format == .vpc)
    #expect(image.snapshot == "a,b")
    #expect(image.backingFile?.string == "/srv/base 1.raw")
    #expect(image.allowsExternalFiles)
    let plain = try parsed("ro").image
    #expect(plain.format == nil && plain.snapshot == nil && plain.backingFile == nil && !plain.allowsExternalFiles)
    #expect(try ImageFormat.names.map { try parsed("format=\($0)").image.format } == ImageFormat.allCases)
  }

  @Test func sizeLimitOfZeroIsNone() throws { #expect(try parsed("sizelimit=0").sizeLimit == nil) }

  @Test func partitionIsASelector() throws {
    #expect(try parsed("partition=LABEL=a=b").volume == .label("a=b"))
    #expect(try parsed("part=p3").volume == .number(3))
  }
}
