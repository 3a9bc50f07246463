#include "api/tls_pair.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

namespace starling::api {
namespace {

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using BioPointer = std::unique_ptr<BIO, FreeBio>;
using CertificatePointer = std::unique_ptr<X509, FreeCertificate>;
using KeyPointer = std::unique_ptr<EVP_PKEY, FreeKey>;

BioPointer reader_of(const PemFile& file) {
  return BioPointer(BIO_new_mem_buf(file.text.data(), static_cast<int>(file.text.size())));
}

CertificatePointer certificate_in(const PemFile& file) {
  return CertificatePointer(PEM_read_bio_X509(reader_of(file).get(), nullptr, nullptr, nullptr));
}

// A key that takes a password is none: nobody is asked.
KeyPointer key_in(const PemFile& file) {
  const auto no_password = [](char*, int, int, void*) { return -1; };
  return KeyPointer(PEM_read_bio_PrivateKey(reader_of(file).get(), nullptr, no_password, nullptr));
}

base::Status compare(const PemFile& certificate, const PemFile& key) {
  const CertificatePointer public_part = certificate_in(certificate);
  if (public_part == nullptr) {
    return base::invalid(certificate.name + " holds no certificate in PEM" +
                         (key_in(certificate) != nullptr ? ", but a private key: that belongs to --tls-key"
                                                         : ": give the file that begins with BEGIN CERTIFICATE"));
  }
  const KeyPointer private_part = key_in(key);
  if (private_part == nullptr) {
    return base::invalid(key.name + " holds no private key in PEM" +
                         (certificate_in(key) != nullptr
                              ? ", but a certificate: that belongs to --tls-certificate"
                              : ", or one with a password: give one that begins with BEGIN PRIVATE KEY"));
  }
  if (X509_check_private_key(public_part.get(), private_part.get()) != 1) {
    return base::invalid(key.name + " is not the private key of the certificate in " + certificate.name +
                         ": give the two that were made together, the server's own certificate first in its file");
  }
  return {};
}

}  // namespace

base::Status check_tls_pair(const PemFile& certificate, const PemFile& key) {
  base::Status status = compare(certificate, key);
  ERR_clear_error();
  return status;
}

}  // namespace starling::api
