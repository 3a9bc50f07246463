#pragma once

#include <cstddef>
#include <deque>
#include <vector>

#include "exact/graph.h"
#include "exact/tensor.h"

namespace starling::exact {

// Memory of tensors that nobody reads any more, for outputs that are still to come: pages from the system are cleared
// before they are used.
class SpareTensors {
 public:
  // Keeps it if it is large and nobody else looks at it.
  void keep(Tensor dead);
  // For each of the graph's outputs one of its type and shape, or an empty tensor where there is none.
  std::vector<Tensor> take(const Graph& graph);
  // Lets go of the oldest until no more than so many bytes are left.
  void shrink(std::size_t bytes);

 private:
  std::deque<Tensor> tensors_;  // oldest first
  std::size_t bytes_ = 0;
};

}  // namespace starling::exact
