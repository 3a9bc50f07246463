#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "exact/engine.h"
#include "exact/view.h"

namespace starling::exact {

// Bytes of an output that are more than a core's share of caches: it goes past them.
inline constexpr std::int64_t kPastCaches = std::int64_t{16} << 20;

// Where a value's elements are: a view of the memory of `base`, which is a value that has memory of its own.
struct Location {
  ValueId base = 0;
  View view;
};

// One operator of a fused pass, applied to a block of rows. A concat turns pairs: its operands are the rows, cosines
// and sines, of which Group::half stand in a row.
struct Instruction {
  struct Operand {
    enum class Kind : std::uint8_t {
      kExternal,  // externals[index]
      kSlot,      // a block of rows × columns in the thread's scratch
      kColumn,    // a block of rows × 1 in the thread's scratch
      kStore,     // stores[index]
    };
    Kind kind;
    std::uint32_t index;
    bool operator==(const Operand&) const = default;
  };
  Operator op;
  std::vector<Operand> operands;
  Operand result;          // not kExternal
  bool is_column = false;  // the result is rows × 1
  int narrowed = -1;       // stores[narrowed] is the result as integers
};

// A fused pass over [rows, columns]: every intermediate stays in a block that fits the cache. Inside a pass all numbers
// are f32: the integers that may be made in one (of 8 bits, and sums of a row of them) are below 2^24.
struct Group {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  bool of_product = false;  // fused with an integer product, whose tiles it takes one by one
  bool flat = false;        // elementwise on contiguous memory alone, so rows and columns may be cut anywhere
  struct External {
    ValueId base;
    Type type;
    std::ptrdiff_t offset;
    std::vector<Factor> rows;  // of the row index
    std::ptrdiff_t step;       // of the column index
    bool operator==(const External&) const = default;
  };
  std::vector<External> externals;
  std::vector<ValueId> stores;     // contiguous outputs
  std::vector<bool> store_column;  // whether the output is rows × 1
  std::vector<Type> store_type;
  // Whether the output goes past the caches, since it is larger and not read in the pass. Empty: none does.
  std::vector<bool> store_past;
  std::vector<Instruction> instructions;
  // The first instructions of a product's pass, where together they dequantise: one kernel runs them.
  struct Dequantise {
    std::size_t instructions = 0;  // 0: they do not
    std::uint32_t sums = 0;        // externals, as the others
    std::uint32_t row_scale = 0;
    std::uint32_t column_scale = 0;
    std::optional<std::uint32_t> bias;
  };
  Dequantise dequantise;
  // Where the whole pass is what integer attention does to its scores: one kernel runs it.
  struct Softmax {
    std::uint32_t factor = 0;  // externals
    std::uint32_t values = 0;  // stores: u8
    std::uint32_t totals = 0;  // stores: f32, one a row
  };
  std::optional<Softmax> softmax;
  // Instructions that one kernel runs together, in order.
  struct RowKernel {
    enum class Kind : std::uint8_t { kQuantise, kLayerNorm, kRmsNorm, kGelu, kShares };
    // What rows become where only their integers are looked at.
    struct Integers {
      Instruction::Operand greatest;         // magnitudes
      std::uint32_t values;                  // stores
      std::array<std::uint32_t, 2> numbers;  // externals
    };
    Kind kind;
    std::size_t first;
    std::size_t count;
    Instruction::Operand rows;
    Instruction::Operand result;           // unless there are integers
    std::array<std::uint32_t, 3> numbers;  // externals, not of kQuantise
    // Of a norm: what its rows are multiplied by and what is added then, externals of step 1.
    std::optional<std::uint32_t> scale;
    std::optional<std::uint32_t> shift;
    std::optional<Integers> integers;  // of kQuantise, or of a norm
    bool turns = false;  // the last of the instructions turns the pairs of an RMS norm, whose result is room
  };
  std::vector<RowKernel> row_kernels;
  std::int64_t half = 0;  // of a head whose pairs are turned
  // What heads become, after the last instruction turned them, where only their integers are looked at. Head h of row r
  // is number r / rows * batch + r % rows * row + h * head of those that are stored.
  struct HeadIntegers {
    std::optional<std::uint32_t> factor;     // externals, numbers: what heads are multiplied by before
    std::array<std::uint32_t, 2> numbers{};  // as those of a row's integers
    std::uint32_t divisor = 0;               // of the greatest magnitude, which gives the scale
    std::uint32_t values = 0;                // stores, in that order
    std::uint32_t scale = 0;
    std::int64_t rows = 0;
    std::int64_t batch = 0;
    std::int64_t row = 0;
    std::int64_t head = 0;
  };
  std::optional<HeadIntegers> head_integers;
  std::uint32_t slots = 0;
  std::uint32_t column_slots = 0;
};

struct RowSource;

struct Step {
  enum class Kind : std::uint8_t {
    kGroup,
    kDot,
    kIntegerDot,
    kReduce,
    kCopy,
    kPad,
    kConcat,
    kGather,
    kScatterAdd,
    kConvert,
    kRandom,
    kIota
  };
  Kind kind;
  ValueId out = 0;                   // not for kGroup
  std::vector<Location> operands;    // not for kGroup
  std::vector<std::int64_t> before;  // kPad: zeros before each axis
  int along = 0;                     // kPad, kConcat: the axis that operands follow each other along
  Group group;
  int node = -1;                              // index of the node, where its attributes matter
  std::size_t element_bytes = sizeof(float);  // of what a step copies

  std::vector<ValueId> reads;   // bases
  std::vector<ValueId> writes;  // values

  // Of a product: its first operand is in no memory, but made as its rows are asked for.
  std::shared_ptr<const RowSource> rows;
};

// A product and the pass over it, whose value `made` one other product reads by rows.
struct RowSource {
  Step product;
  Step pass;
  ValueId made = 0;
};

struct Plan::Body {
  Graph graph;
  std::vector<Step> steps;
  // Where each value with memory of its own lies: in the scratch arena, or in an output tensor (>= 0), or nowhere.
  struct Place {
    enum class Kind : std::uint8_t { kNone, kInput, kArena, kOutput, kConstant, kScalar };
    Kind kind = Kind::kNone;
    std::size_t index = 0;  // input, output, constant or scalar index; offset in bytes in the arena
  };
  std::vector<Place> places;
  // Outputs that are not the memory of a step's result: copied at the end from here.
  std::vector<Location> output_sources;
  std::vector<bool> output_is_place;
  std::vector<float> scalars;
  std::size_t arena_bytes = 0;
  std::size_t scratch_floats = 0;  // of one thread

  // What depends on no input is computed once, at the first run, by a plan of its own. Empty until then, and when the
  // plan was told to forget it.
  std::shared_ptr<const Plan> constant_plan;
  mutable std::mutex constants_mutex;
  mutable std::vector<Tensor> constants;

  // By input: whether nothing reads it but products whose second operand it is as it lies, in one batch: they can read
  // it packed (exact/packed_operand.h).
  std::vector<bool> read_packed;

  ValueId extra_values = 0;  // copies are numbered after the graph's values
};

}  // namespace starling::exact
