// swift-tools-version: 6.2
import PackageDescription

/// Settings of every target of ours: memory safety is checked by the compiler, and a dependency is visible
/// where it is used.
let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableExperimentalFeature("Lifetimes"),
  // While developing. A release build must not fail because a newer compiler warns of more.
  .treatAllWarnings(as: .error, .when(configuration: .debug)),
]

let package = Package(
  name: "vitrine",
  products: [.executable(name: "vitrine", targets: ["vitrine"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
  ],
  targets: [
    .systemLibrary(name: "CFuse", pkgConfig: "fuse3", providers: [.apt(["libfuse3-dev"])]),
    .systemLibrary(name: "CBlkid", pkgConfig: "blkid", providers: [.apt(["libblkid-dev"])]),
    .systemLibrary(name: "CDigest", pkgConfig: "libmd", providers: [.apt(["libmd-dev"])]),
    .systemLibrary(name: "CCodecs", providers: [.apt(["libdeflate-dev", "liblz4-dev", "liblzma-dev", "libzstd-dev"])]),
    .target(name: "Bytes", dependencies: ["CDigest", "CLinux", .systemPackage], swiftSettings: settings),
    .target(name: "BlockDevices", dependencies: ["Bytes", .systemPackage], swiftSettings: settings),
    .target(name: "Codecs", dependencies: ["CCodecs", "Bytes", .systemPackage], swiftSettings: settings),
    .target(
      name: "DiskImages", dependencies: ["BlockDevices", "Codecs", "Bytes", .systemPackage], swiftSettings: settings),
    .target(
      name: "Volumes", dependencies: ["BlockDevices", "Bytes", "CBlkid", .systemPackage], swiftSettings: settings),
    .target(
      name: "FileSystems", dependencies: ["BlockDevices", "Codecs", "Bytes", .systemPackage], swiftSettings: settings),
    .target(
      name: "DiskStack",
      dependencies: ["FileSystems", "Volumes", "DiskImages", "BlockDevices", "Bytes", .systemPackage],
      swiftSettings: settings),
    .target(
      name: "Browsing",
      dependencies: ["DiskStack", "DiskImages", "FileSystems", "Volumes", "BlockDevices", "Bytes", .systemPackage],
      swiftSettings: settings),
    .systemLibrary(name: "CLinux"),
    .target(
      name: "Copying",
      dependencies: [
        "Browsing", "FileSystems", "BlockDevices", "Bytes", "CLinux", "CDigest", .systemPackage,
      ],
      swiftSettings: settings),
    .target(
      name: "Mounting",
      dependencies: [
        "Browsing", "DiskStack", "DiskImages", "FileSystems", "BlockDevices", "Bytes", "CFuse", .systemPackage,
        .logging,
      ],
      swiftSettings: settings),
    .executableTarget(
      name: "vitrine",
      dependencies: [
        "Mounting", "Copying", "Browsing", "DiskStack", "DiskImages", "FileSystems", "Volumes", "BlockDevices", "Bytes",
        .systemPackage, .logging,
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      exclude: ["Completions"],
      swiftSettings: settings),
    .target(
      name: "CTestSupport", path: "Tests/CTestSupport", linkerSettings: [.linkedLibrary("crypto")]),
    .target(
      name: "TestSupport",
      dependencies: ["CTestSupport", "DiskImages", "FileSystems", "BlockDevices", "Bytes", .systemPackage],
      path: "Tests/TestSupport", swiftSettings: settings),
    .testTarget(
      name: "GoldenTests", dependencies: ["TestSupport", "FileSystems", "BlockDevices", "Bytes", .systemPackage],
      swiftSettings: settings),
    .testTarget(
      name: "DifferentialTests", dependencies: ["TestSupport", "FileSystems", "BlockDevices", "Bytes", "vitrine"],
      swiftSettings: settings),
    .testTarget(name: "NamesakeTests", dependencies: ["TestSupport", "vitrine"], swiftSettings: settings),
    .executableTarget(
      name: "CorruptionFuzzer",
      dependencies: ["DiskStack", "DiskImages", "FileSystems", "BlockDevices", "Bytes", .systemPackage],
      path: "Tests/CorruptionFuzzer", swiftSettings: settings),
    .executableTarget(
      name: "DiskReader", dependencies: ["DiskImages", "BlockDevices", "Bytes", .systemPackage],
      path: "Tests/Benchmark/DiskReader", swiftSettings: settings),
    .testTarget(
      name: "CorruptionTests", dependencies: ["CorruptionFuzzer", "TestSupport"], swiftSettings: settings),
    .testTarget(
      name: "BrowsingTests",
      dependencies: [
        "Browsing", "DiskStack", "DiskImages", "FileSystems", "Volumes", "BlockDevices", "Bytes", "TestSupport",
        "vitrine", .systemPackage,
      ],
      swiftSettings: settings),
    .testTarget(
      name: "CopyingTests",
      dependencies: [
        "Copying", "Browsing", "FileSystems", "BlockDevices", "Bytes", "TestSupport", "vitrine", .systemPackage,
      ],
      swiftSettings: settings),
    .testTarget(
      name: "MountingTests",
      dependencies: [
        "Mounting", "Browsing", "DiskStack", "DiskImages", "FileSystems", "Volumes", "BlockDevices", "Bytes",
        "TestSupport", "CTestSupport",
        "vitrine", .systemPackage, .logging,
      ],
      swiftSettings: settings),
    .testTarget(
      name: "VolumesTests", dependencies: ["Volumes", "BlockDevices", "Bytes", "TestSupport", .systemPackage],
      swiftSettings: settings),
    .testTarget(
      name: "DiskStackTests",
      dependencies: [
        "DiskStack", "DiskImages", "Volumes", "FileSystems", "BlockDevices", "Bytes", "TestSupport", "vitrine",
        .systemPackage,
      ], swiftSettings: settings),
    .testTarget(name: "BytesTests", dependencies: ["Bytes"], swiftSettings: settings),
    .testTarget(
      name: "BlockDevicesTests", dependencies: ["BlockDevices", "Bytes", "TestSupport", .systemPackage],
      swiftSettings: settings),
    .testTarget(
      name: "DiskImagesTests",
      dependencies: ["DiskImages", "Codecs", "BlockDevices", "Bytes", "TestSupport", "vitrine", .systemPackage],
      swiftSettings: settings),
    .testTarget(
      name: "CommandLineTests", dependencies: ["DiskImages", "TestSupport", "vitrine"], swiftSettings: settings),
    .testTarget(
      name: "FileSystemsTests", dependencies: ["FileSystems", "TestSupport", "BlockDevices", "Bytes", .systemPackage],
      swiftSettings: settings),
  ]
)

extension Target.Dependency {
  static var logging: Target.Dependency { .product(name: "Logging", package: "swift-log") }
  static var systemPackage: Target.Dependency { .product(name: "SystemPackage", package: "swift-system") }
}
