// SHA-256 by OpenSSL, which uses what instructions the CPU has for it.
#include <openssl/evp.h>

#include "base/hash.h"

namespace starling::base {
namespace {

// Fetched once: looking an algorithm up costs more than hashing 4 KiB with it.
const EVP_MD* sha256_algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  if (algorithm == nullptr) halt("OpenSSL has no SHA-256");
  return algorithm;
}

void start(EVP_MD_CTX* context) {
  if (EVP_DigestInit_ex2(context, sha256_algorithm(), nullptr) != 1) halt("OpenSSL could not start SHA-256");
}

void absorb(EVP_MD_CTX* context, ByteView bytes) {
  if (EVP_DigestUpdate(context, bytes.data(), bytes.size()) != 1) halt("OpenSSL could not continue SHA-256");
}

Hash squeeze(EVP_MD_CTX* context) {
  Hash hash;
  unsigned int size = 0;
  if (EVP_DigestFinal_ex(context, hash.bytes.data(), &size) != 1 || size != hash.bytes.size()) {
    halt("OpenSSL could not finish SHA-256");
  }
  return hash;
}

EVP_MD_CTX* new_context() {
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  if (context == nullptr) halt("out of memory for a hash");
  return context;
}

// One context a thread, so that short messages cost no allocation.
class ThreadContext {
 public:
  ThreadContext() : context_(new_context()) {}
  ~ThreadContext() { EVP_MD_CTX_free(context_); }
  ThreadContext(const ThreadContext&) = delete;
  ThreadContext& operator=(const ThreadContext&) = delete;
  EVP_MD_CTX* get() { return context_; }

 private:
  EVP_MD_CTX* context_;
};

}  // namespace

Sha256::Sha256() : context_(new_context()) { start(context_); }
Sha256::~Sha256() { EVP_MD_CTX_free(context_); }
void Sha256::update(ByteView bytes) { absorb(context_, bytes); }

Hash Sha256::finish() {
  const Hash hash = squeeze(context_);
  start(context_);
  return hash;
}

Hash sha256(ByteView bytes) {
  thread_local ThreadContext context;
  start(context.get());
  absorb(context.get(), bytes);
  return squeeze(context.get());
}

}  // namespace starling::base
