#include "train/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <vector>

#include "exact/engine.h"
#include "train/state.h"

namespace starling::train {
namespace {

using exact::Tensor;

Tensor scalar(float value) { return Tensor::from_f32({}, {&value, 1}); }

// One parameter's history in plain double arithmetic, from the formulas in the header.
struct Plain {
  double p, m = 0.0, v = 0.0, e;
  void update(double g, double rate, double decay, double average, int step, const OptimizerSettings& s) {
    m = s.beta1 * m + (1.0 - static_cast<double>(s.beta1)) * g;
    v = s.beta2 * v + (1.0 - static_cast<double>(s.beta2)) * g * g;
    const double m_hat = m / (1.0 - std::pow(static_cast<double>(s.beta1), step));
    const double v_hat = v / (1.0 - std::pow(static_cast<double>(s.beta2), step));
    p = p - rate * decay * p - rate * m_hat / (std::sqrt(v_hat) + s.epsilon);
    e += (1.0 - average) * (p - e);
  }
};

class Updates : public testing::Test {
 protected:
  void SetUp() override { begin({{"w", {2, 3}, {}}, {"b", {3}, {}}}); }

  // All zeros, before the first update.
  void begin(std::vector<models::Parameter> parameters) {
    parameters_ = std::move(parameters);
    auto graph = update_graph(parameters_, settings_, 2);
    ASSERT_TRUE(graph.ok()) << graph.error().message;
    graph_ = std::make_unique<exact::Graph>(std::move(*graph));
    for (const models::Parameter& parameter : parameters_) {
      for (const char* prefix : {"p/", "m/", "v/", "e/"}) {
        tensors_.insert_or_assign(prefix + parameter.name, Tensor(exact::Type::kF32, parameter.shape));
      }
    }
    tensors_.insert_or_assign("beta1_power", scalar(1.0F));
    tensors_.insert_or_assign("beta2_power", scalar(1.0F));
    tensors_.insert_or_assign("average_decay", scalar(0.5F));
  }

  // One update; every gradient of part i of parameter p's element j is gradient(i, p, j). Gives the norm.
  template <typename Gradient>
  float update(float rate, const Gradient& gradient) {
    tensors_.insert_or_assign("learning_rate", scalar(rate));
    for (int part = 0; part < 2; ++part) {
      for (std::size_t p = 0; p < parameters_.size(); ++p) {
        Tensor tensor(exact::Type::kF32, parameters_[p].shape);
        for (std::size_t j = 0; j < tensor.f32().size(); ++j) tensor.f32()[j] = gradient(part, p, j);
        tensors_.insert_or_assign("g" + std::to_string(part) + "/" + parameters_[p].name, tensor);
      }
    }
    auto inputs = bind_inputs(*graph_, tensors_);
    EXPECT_TRUE(inputs.ok());
    auto outputs = exact::run_reference(*graph_, *inputs);
    EXPECT_TRUE(outputs.ok()) << outputs.error().message;
    for (std::size_t i = 0; i < outputs->size(); ++i) {
      tensors_.insert_or_assign(graph_->outputs()[i].name, (*outputs)[i]);
    }
    return tensors_.at("gradient_norm").f32()[0];
  }

  OptimizerSettings settings_{.weight_decay = 0.1F, .clip = 1.0F};
  std::vector<models::Parameter> parameters_;
  std::unique_ptr<exact::Graph> graph_;
  NamedTensors tensors_;
};

TEST_F(Updates, FollowTheFormulasForAHundredSteps) {
  std::vector<Plain> weights(6, Plain{.p = 0.5, .e = 0.5});
  std::vector<Plain> biases(3, Plain{.p = 0.5, .e = 0.5});
  for (const char* name : {"p/w", "e/w", "p/b", "e/b"}) {
    for (float& value : tensors_.at(name).f32()) value = 0.5F;
  }
  const auto gradient = [](int step, std::size_t p, std::size_t j) {
    return 0.02 * std::sin(0.3 * step + static_cast<double>(3 * p + j));
  };
  for (int step = 1; step <= 100; ++step) {
    // The two parts differ around the mean that counts.
    update(0.01F, [&](int part, std::size_t p, std::size_t j) {
      return static_cast<float>(gradient(step, p, j) + (part == 0 ? 0.01 : -0.01));
    });
    for (std::size_t j = 0; j < 6; ++j) weights[j].update(gradient(step, 0, j), 0.01, 0.1, 0.5, step, settings_);
    for (std::size_t j = 0; j < 3; ++j) biases[j].update(gradient(step, 1, j), 0.01, 0.0, 0.5, step, settings_);
  }
  // A hundred updates of about 0.01 in f32: rounding of each is below 1e-7 of a value below 1.
  for (std::size_t j = 0; j < 6; ++j) {
    EXPECT_NEAR(tensors_.at("p/w").f32()[j], weights[j].p, 2e-5);
    EXPECT_NEAR(tensors_.at("e/w").f32()[j], weights[j].e, 2e-5);
  }
  for (std::size_t j = 0; j < 3; ++j) EXPECT_NEAR(tensors_.at("p/b").f32()[j], biases[j].p, 2e-5);
}

TEST_F(Updates, MoveTheTextEncoderAtItsOwnRate) {
  settings_.text_rate = 0.25F;
  begin({{"transformer/w", {2, 3}, {}}, {"text_encoder/w", {2, 3}, {}}});
  Plain fast{.p = 0.5, .e = 0.5};
  Plain slow{.p = 0.5, .e = 0.5};
  for (const char* name : {"p/transformer/w", "p/text_encoder/w"}) {
    for (float& value : tensors_.at(name).f32()) value = 0.5F;
  }
  for (int step = 1; step <= 10; ++step) {
    const double gradient = 0.02 * std::sin(0.3 * step);
    update(0.01F, [&](int, std::size_t, std::size_t) { return static_cast<float>(gradient); });
    fast.update(gradient, 0.01, 0.1, 0.5, step, settings_);
    slow.update(gradient, 0.0025, 0.1, 0.5, step, settings_);
  }
  EXPECT_NEAR(tensors_.at("p/transformer/w").f32()[0], fast.p, 2e-6);
  EXPECT_NEAR(tensors_.at("p/text_encoder/w").f32()[0], slow.p, 2e-6);
}

TEST_F(Updates, ClipTheNormOverAllParameters) {
  const float norm = update(0.0F, [](int, std::size_t, std::size_t) { return 2.0F; });
  EXPECT_FLOAT_EQ(norm, 6.0F);  // √(9 · 2²)
  // Clipped to 2 / 6 each.
  EXPECT_NEAR(tensors_.at("m/w").f32()[0], 0.1F * 2.0F / 6.0F, 1e-7F);
  EXPECT_NEAR(tensors_.at("m/b").f32()[0], 0.1F * 2.0F / 6.0F, 1e-7F);
}

TEST_F(Updates, LeaveSmallGradientsAndZerosAlone) {
  EXPECT_EQ(update(0.0F, [](int, std::size_t, std::size_t) { return 0.0F; }), 0.0F);
  EXPECT_EQ(tensors_.at("p/w").f32()[0], 0.0F);
  update(0.0F, [](int, std::size_t, std::size_t) { return 0.1F; });
  EXPECT_NEAR(tensors_.at("m/w").f32()[0], 0.01F, 1e-8F);
}

// Rows by columns, in double.
struct Matrix {
  std::size_t rows, columns;
  std::vector<double> values;
  double at(std::size_t i, std::size_t j) const { return values[i * columns + j]; }
};

Matrix transposed(const Matrix& m) {
  Matrix t{m.columns, m.rows, std::vector<double>(m.values.size())};
  for (std::size_t i = 0; i < m.rows; ++i) {
    for (std::size_t j = 0; j < m.columns; ++j) t.values[j * m.rows + i] = m.at(i, j);
  }
  return t;
}

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix c{a.rows, b.columns, std::vector<double>(a.rows * b.columns)};
  for (std::size_t i = 0; i < a.rows; ++i) {
    for (std::size_t j = 0; j < b.columns; ++j) {
      for (std::size_t k = 0; k < a.columns; ++k) c.values[i * b.columns + j] += a.at(i, k) * b.at(k, j);
    }
  }
  return c;
}

// The iterations of Newton and Schulz as the header has them, in double.
Matrix orthogonal(Matrix x) {
  double square = 0.0;
  for (const double value : x.values) square += value * value;
  for (double& value : x.values) value /= std::sqrt(square) + 1e-7;
  const bool tall = x.rows > x.columns;
  if (tall) x = transposed(x);
  for (int i = 0; i < 5; ++i) {
    const Matrix a = product(x, transposed(x));
    Matrix polynomial = product(a, a);
    for (std::size_t j = 0; j < a.values.size(); ++j) {
      polynomial.values[j] = 2.0315 * polynomial.values[j] - 4.7750 * a.values[j];
    }
    const Matrix more = product(polynomial, x);
    for (std::size_t j = 0; j < x.values.size(); ++j) x.values[j] = 3.4445 * x.values[j] + more.values[j];
  }
  return tall ? transposed(x) : x;
}

// Muon's: a wide matrix of more than two axes, and a tall one.
class MatrixUpdates : public Updates {
 protected:
  void SetUp() override {
    settings_.matrix_momentum = 0.95F;
    settings_.clip = 1e6F;
    begin({{"a.weight", {16, 3, 2, 4}, {}}, {"b.weight", {40, 16}, {}}});
  }
};

TEST_F(MatrixUpdates, MoveMatricesByTheirOrthogonalMomentum) {
  const auto gradient = [](int step, std::size_t p, std::size_t j) {
    return std::sin(0.7 * static_cast<double>(j * j % 101) + 0.3 * step + static_cast<double>(p));
  };
  std::vector<Matrix> moments{{16, 24, std::vector<double>(384)}, {40, 16, std::vector<double>(640)}};
  std::vector<Matrix> values = moments;
  for (int step = 1; step <= 3; ++step) {
    update(0.01F, [&](int, std::size_t p, std::size_t j) { return static_cast<float>(gradient(step, p, j)); });
    for (std::size_t p = 0; p < 2; ++p) {
      Matrix u = moments[p];
      for (std::size_t j = 0; j < u.values.size(); ++j) {
        const double g = gradient(step, p, j);
        moments[p].values[j] = 0.95 * moments[p].values[j] + 0.05 * g;
        u.values[j] = 0.95 * moments[p].values[j] + 0.05 * g;
      }
      const Matrix move = orthogonal(u);
      const double size = 0.2 * std::sqrt(static_cast<double>(std::max(u.rows, u.columns)));
      for (std::size_t j = 0; j < u.values.size(); ++j) {
        values[p].values[j] -= 0.01 * 0.1 * values[p].values[j] + 0.01 * size * move.values[j];
      }
    }
  }
  for (std::size_t p = 0; p < 2; ++p) {
    const std::string& name = parameters_[p].name;
    for (std::size_t j = 0; j < values[p].values.size(); ++j) {
      ASSERT_NEAR(tensors_.at("p/" + name).f32()[j], values[p].values[j], 2e-5) << name << " " << j;
      ASSERT_NEAR(tensors_.at("m/" + name).f32()[j], moments[p].values[j], 1e-6) << name << " " << j;
      ASSERT_EQ(tensors_.at("v/" + name).f32()[j], 0.0F);
    }
  }
}

TEST_F(MatrixUpdates, LeaveAGradientOfZerosAlone) {
  update(0.01F, [](int, std::size_t, std::size_t) { return 0.0F; });
  for (const models::Parameter& parameter : parameters_) {
    for (const float value : tensors_.at("p/" + parameter.name).f32()) ASSERT_EQ(value, 0.0F);
  }
}

TEST(Matrices, AreWhatIsNeitherSmallNorATable) {
  EXPECT_TRUE(is_matrix({"vae/conv.weight", {32, 12, 3, 3, 3}, {}}));
  EXPECT_TRUE(is_matrix({"transformer/proj.weight", {64, 16}, {}}));
  EXPECT_FALSE(is_matrix({"vae/conv_out.weight", {12, 32, 3, 3, 3}, {}}));
  EXPECT_FALSE(is_matrix({"vae/norm.gamma", {64, 1, 1, 1}, {}}));
  EXPECT_FALSE(is_matrix({"transformer/scale_shift_table", {1, 6, 192}, {}}));
  EXPECT_FALSE(is_matrix({"transformer/proj.bias", {64}, {}}));
  EXPECT_FALSE(is_matrix({"text_encoder/shared.weight", {512, 128}, {}}));
}

}  // namespace
}  // namespace starling::train
