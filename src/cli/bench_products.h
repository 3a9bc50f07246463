#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/peer_rows.h"

namespace starling::cli {

// x[m, k] times a weight [n, k].
struct ProductShape {
  std::int64_t m, n, k;
};
// The linear layers of a large video transformer.
inline constexpr std::array<ProductShape, 6> kProductShapes{{{1024, 1536, 1536},
                                                             {1024, 8960, 1536},
                                                             {1024, 1536, 8960},
                                                             {4096, 1536, 1536},
                                                             {4096, 8960, 1536},
                                                             {4096, 1536, 8960}}};
std::string to_text(const ProductShape& shape);

struct ProductOptions {
  std::vector<int> threads{1};
  int rounds = 5;
  std::string only;
};

// One arithmetic in this process, in turns with the libraries that do the same: "f32" beside OpenBLAS and oneDNN, and a
// kind of integer product (exact::IntegerDotKernels::name), with dequantising and bias, beside oneDNN's sums. Packing
// counts on both sides. The last rows are geometric means over the shapes, against the best of the peers at each.
base::Result<std::vector<PeerRow>> bench_product(const std::string& arithmetic, const ProductOptions& options);

// All of them, or those of the backend that STARLING_BACKEND forces, each in a process of its own, where oneDNN has the
// same instructions and no more; the best kind of integers first beside oneDNN as it comes. Nothing where `only` asks
// for no product.
base::Result<std::vector<PeerRow>> bench_products(const ProductOptions& options);

}  // namespace starling::cli
