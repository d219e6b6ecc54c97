// Annotations brought onto a graph: which values they mean, whose parameters each edge has, and what must be known for them.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/graph/graph.hpp"
#include "engine/quant/affine.hpp"
#include "engine/quant/calibrators/calibrator.hpp"
#include "engine/quant/edges/quantizer.hpp"
#include "engine/quant/observers/value_statistics.hpp"

namespace titrate::engine {

/// How the codes on one edge are made.
struct EdgeQuantization {
  DataType type = DataType::uint8;
  IntegerRange range;
  std::optional<std::int64_t> axis;  ///< of a constant, not negative; none: one scale
  std::int64_t block_size = 0;       ///< along the axis; 0: each index has a scale
  QuantizationParameters parameters;

  friend bool operator==(const EdgeQuantization&, const EdgeQuantization&) = default;
};

/// Which of the scales belongs to the n-th element of a constant.
class ScaleIndex {
 public:
  ScaleIndex(const Shape& shape, std::optional<std::int64_t> axis, std::int64_t block_size);
  [[nodiscard]] std::size_t operator()(std::size_t element) const {
    if (!by_axis_) return 0;
    const std::size_t along = element / inner_ % size_;
    if (block_ == 0) return along;
    return (element / (inner_ * size_) * blocks_ + along / block_) * inner_ + element % inner_;
  }
  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] const Shape& shape() const { return shape_; }  ///< of scales and zero points, as DequantizeLinear reads them

 private:
  bool by_axis_;
  std::size_t inner_ = 1;
  std::size_t size_ = 1;
  std::size_t block_ = 0;
  std::size_t blocks_ = 1;
  std::size_t count_ = 1;
  Shape shape_;
};

class EdgePlan {
 public:
  struct Item {
    Edge edge;
    const Annotation* annotation = nullptr;
    std::size_t node = 0;
    ValueId value = ValueId::none;
    std::size_t root = 0;  ///< the item whose spec says the parameters: itself, or what it shares with
    [[nodiscard]] bool is_float() const { return std::holds_alternative<FloatSpec>(annotation->spec); }
    [[nodiscard]] bool is_output() const { return edge.side == Edge::Side::output; }
  };

  /// Keeps references to both. Throws Error(usage) for an edge that the graph has not, naming the nearest; for specs that do not fit the
  /// value; for parameters that are shared or derived in a circle, or from an edge without any.
  EdgePlan(const Graph& graph, const Annotations& annotations);

  [[nodiscard]] const std::vector<Item>& items() const { return items_; }
  /// Null: there is none.
  [[nodiscard]] const Item* find(const Edge& edge) const;
  /// Of the output that makes a value; null: it is a graph input or constant, or not annotated there.
  [[nodiscard]] const Item* find_made(ValueId value) const;
  /// What a node reads in the graph that is annotated.
  [[nodiscard]] ValueId value_at(std::size_t node, std::size_t input) const { return graph_.nodes[node].inputs[input]; }
  /// Names of the values whose statistics are needed.
  [[nodiscard]] std::set<std::string> observed() const;
  [[nodiscard]] bool wants_histograms() const;
  /// One for each item; without meaning where it stays float. Throws Error(invalid) if statistics are missing, Error(usage) if a function
  /// gives parameters that do not fit.
  [[nodiscard]] std::vector<EdgeQuantization> quantizations(const CalibrationStatistics& statistics) const;

 private:
  void locate(const Edge& edge, const Annotation& annotation);
  void check_spec(const Item& item) const;
  void find_roots();
  void order_derived();
  [[nodiscard]] std::size_t effective(const Edge& edge, const Item& asked_by) const;
  [[nodiscard]] std::size_t root_of(std::size_t item) const;
  void visit(std::size_t root, std::vector<std::size_t>& path, std::vector<bool>& done);
  [[nodiscard]] EdgeQuantization of_root(std::size_t root, const CalibrationStatistics& statistics,
                                         const std::vector<EdgeQuantization>& known) const;
  [[nodiscard]] EdgeQuantization from_ranges(std::size_t root, const PlainSpec& spec, const CalibrationStatistics& statistics) const;
  [[nodiscard]] std::vector<ValueRange> ranges_of(const Item& item, const PlainSpec& spec, const CalibrationStatistics& statistics) const;
  [[nodiscard]] EdgeQuantization derived(const Item& item, const DerivedSpec& spec, const std::vector<EdgeQuantization>& known) const;

  const Graph& graph_;
  Uses uses_;
  std::map<std::string, std::size_t, std::less<>> node_of_;
  std::vector<Item> items_;
  std::map<Edge, std::size_t> item_of_;
  std::map<ValueId, std::size_t> made_;  // by value: the item at the output that makes it
  std::vector<std::size_t> order_;       // roots, each behind those that its parameters are derived from
};

[[nodiscard]] DataType stored_type_of(CodeType type);

}  // namespace titrate::engine
