// What a comparison of a quantized model with its float model found: plain values, for the reports that render it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace titrate {

/// How near numbers are to those of the float model. 999 dB: equal. None: not finite, or not measured.
struct Likeness {
  std::optional<double> sqnr_db;  ///< signal to quantization noise, one ratio over all samples (algorithms A21)
  std::optional<double> cosine;
  std::optional<double> largest_error;  ///< absolute
};

struct SampleLikeness {
  std::int64_t index = 0;
  std::string place;  ///< "cats/7.jpg"
  std::optional<double> sqnr_db;
};

/// The SQNR of a layer's output with one thing quantized and the rest float. None: the layer has nothing of the kind, or it cannot be told.
struct LayerEffects {
  std::optional<double> weights_db;
  std::optional<double> clipping_db;  ///< activations outside the range that has codes
  std::optional<double> rounding_db;  ///< of activations inside it
  std::optional<double> bias_db;
};

struct ActivationRange {
  std::string value;  ///< name in the float model
  std::string type;   ///< of the codes
  double low = 0;     ///< least and greatest number that has a code
  double high = 0;
  double seen_low = 0;  ///< in the float model on these samples
  double seen_high = 0;
  double clipped_share = 0;  ///< of the numbers
};

struct Histogram {
  std::string title;
  double low = 0;  ///< the first bin's lower end, and the last bin's upper end
  double high = 0;
  std::vector<std::uint64_t> counts;
  std::optional<double> clip_low;  ///< the range that has codes
  std::optional<double> clip_high;
};

struct LayerComparison {
  std::string name;
  std::string type;
  std::string float_value;  ///< the float model's value that its output is compared with
  std::string stored;       ///< "int4 weights (3 bits), uint8 activations"
  std::optional<Likeness> weights{};
  Likeness alone{};        ///< this layer quantized only, on the float model's values
  Likeness accumulated{};  ///< the whole quantized model
  LayerEffects effects{};
  std::vector<ActivationRange> activations{};
  SampleLikeness worst{};                ///< the sample on which the layer alone is worst
  std::optional<double> output_share{};  ///< of the noise at the model's outputs, 0 to 1: all layers together make 1
  std::string remark{};                  ///< "" if there is nothing to say
  bool is_rescaled =
      false;  ///< its weights or values are not those of the float model, but for factors that were not found: `alone` is left out
  std::vector<Histogram> histograms{};  ///< where they were asked for
};

struct UnmatchedLayer {
  std::string name;
  std::string type;
  std::string reason;
};

/// The one change that promises most.
struct Advice {
  std::string layer;
  std::string change;                   ///< "leave it float"
  std::string config;                   ///< "name:conv1 = float": what brings it about in a config; "" if no config can say it
  std::string whole_config;             ///< "static_int8() | name:conv1 = static_int8(calibrator=mse)", where the file tells; else ""
  double now_db = 0;                    ///< SQNR of the model's outputs
  double predicted_db = 0;              ///< by adding noises
  std::optional<double> measured_db{};  ///< with the change made, on the same samples
};

struct ComparisonRecord {
  std::string float_file;
  std::string quantized_file;
  std::int64_t samples = 0;
  std::int64_t share_samples = 0;       ///< of them those that output_share was measured on
  Likeness outputs;                     ///< of the model, float32 outputs together
  std::optional<double> share_db;       ///< the outputs' SQNR on those samples
  std::optional<double> added_db;       ///< the same as the layers' own noises, added up, would have it
  std::vector<LayerComparison> layers;  ///< in the order of the quantized model
  std::vector<UnmatchedLayer> unmatched;
  /// Layers whose scales were moved before quantization (smoothquant, equalize ...), so that the model is compared with the float model
  /// with its scales moved alike, which computes the same; and how well the factors are known, as a part of them, at worst.
  std::int64_t moved_layers = 0;
  double moved_error = 0;
  bool is_rescaled = false;  ///< some layers are, and by which factors was not found: no layer can be judged alone then, and there are no
                             ///< shares, no worst, no advice
  std::optional<std::size_t> worst;           ///< the layer with the largest share of the outputs' noise, else with the lowest SQNR alone
  std::vector<SampleLikeness> worst_samples;  ///< of the model's outputs, the worst first, at most five
  std::optional<Advice> advice;               ///< none: the outputs are equal, or nothing helps
};

/// The advice as a sentence: "leave conv1 float: output SQNR 14.2 -> 19.1 dB predicted, 18.7 dB measured"; if there is none, why.
[[nodiscard]] std::string advice_text(const ComparisonRecord& comparison);
/// What the added noises say of the outputs: whether layers can be judged one by one.
[[nodiscard]] std::string addition_text(const ComparisonRecord& comparison);
/// What was done about scales that were moved before quantization; "" if none were.
[[nodiscard]] std::string moved_scales_text(const ComparisonRecord& comparison);
/// "14.2", "equal" for 999, "" for none.
[[nodiscard]] std::string short_decibel(const std::optional<double>& decibel);

}  // namespace titrate
