internal import Glibc

/// The users and groups that this system knows.
///
/// For one thread at a time.
public enum HostAccounts {
  /// nil where there is no user of that name.
  public static func user(named name: String) -> UInt32? {
    // Safe, here and below: the calls' own memory is read before they are called again.
    guard let entry = unsafe getpwnam(name) else { return nil }
    return unsafe entry.pointee.pw_uid
  }

  public static func group(named name: String) -> UInt32? {
    guard let entry = unsafe getgrnam(name) else { return nil }
    return unsafe entry.pointee.gr_gid
  }

  public static func hasUser(_ number: UInt32) -> Bool { unsafe getpwuid(number) != nil }

  public static func hasGroup(_ number: UInt32) -> Bool { unsafe getgrgid(number) != nil }
}
