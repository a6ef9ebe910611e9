internal import Glibc

/// The name of an errno, as the header has it.
public func errnoName(_ number: Int32) -> String {
  switch number {
  case EIO: "EIO"
  case ENOENT: "ENOENT"
  case ELOOP: "ELOOP"
  case ENOKEY: "ENOKEY"
  case EACCES: "EACCES"
  case EPERM: "EPERM"
  case EINVAL: "EINVAL"
  case ENODATA: "ENODATA"
  case ENOTSUP: "ENOTSUP"
  case EUCLEAN: "EUCLEAN"
  case EBADMSG: "EBADMSG"
  case ENAMETOOLONG: "ENAMETOOLONG"
  case ENOTDIR: "ENOTDIR"
  case EISDIR: "EISDIR"
  case ENXIO: "ENXIO"
  case ERANGE: "ERANGE"
  case ESTALE: "ESTALE"
  case ENOMEM: "ENOMEM"
  case ENOTCONN: "ENOTCONN"
  case ENOPKG: "ENOPKG"
  case E2BIG: "E2BIG"
  default: "errno\(number)"
  }
}
