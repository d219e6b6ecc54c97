#include "engine/kernels/igemm/matrix.hpp"

#include <algorithm>
#include <cstring>

#include "engine/kernels/threads.hpp"

namespace titrate::kernels {
namespace {

std::size_t rounded_up(std::size_t count, std::size_t step) { return (count + step - 1) / step * step; }

std::size_t of(int size) { return static_cast<std::size_t>(size); }

constexpr std::size_t line = 64;
// Rows of a that are gathered at once, and columns of b that all of them meet before the next: together they fit the second cache.
constexpr std::size_t left_bytes = 96 << 10;
constexpr std::size_t right_bytes = 160 << 10;
constexpr std::size_t most_chunk_columns = 256;

// How a product is cut: blocks of rows that are gathered together, made of panels no taller than a tile; chunks of columns.
struct Blocking {
  std::size_t rows, panels, panels_per_block, blocks;
  std::size_t least_height, taller;
  std::size_t chunk_columns, chunks;
  std::size_t byte_pitch;   // a gathered row
  std::size_t panel_pitch;  // a row as tiles read it
  std::size_t panel_bytes, staging_bytes, sums_bytes, row_sums_bytes;

  Blocking(const IgemmKernels& kernels, std::size_t row_count, const PackedCodes& b, bool direct) : rows(row_count) {
    const std::size_t height = of(kernels.rows);
    panels = (rows + height - 1) / height;
    least_height = rows / std::max<std::size_t>(panels, 1);
    taller = rows - panels * least_height;
    byte_pitch = rounded_up(std::max<std::size_t>(b.padded_depth(), 1), kernels.widened ? 16 : of(kernels.depth_step));
    panel_pitch = kernels.widened ? 2 * byte_pitch : byte_pitch;
    // Rows a multiple of a kilobyte apart would fight for the same lines of the first cache.
    if (panel_pitch % 1024 == 0) panel_pitch += line;
    const auto threads = static_cast<std::size_t>(thread_count());
    panels_per_block = std::max<std::size_t>(1, left_bytes / (height * panel_pitch));
    if (threads > 1) panels_per_block = std::min(panels_per_block, std::max<std::size_t>(1, panels / (4 * threads)));
    // Few rows: gathered once, and threads share the columns.
    if (panels <= 2) panels_per_block = std::max<std::size_t>(panels, 1);
    blocks = (panels + panels_per_block - 1) / panels_per_block;
    const std::size_t width = of(kernels.columns);
    chunk_columns = std::clamp(right_bytes / std::max<std::size_t>(b.padded_depth(), 1) / width * width, width, most_chunk_columns);
    chunk_columns = std::min(chunk_columns, std::max(b.padded_columns(), width));
    chunks = (b.padded_columns() + chunk_columns - 1) / chunk_columns;
    const std::size_t padding = of(kernels.row_padding) - 1;
    const std::size_t block_rows = panels_per_block * height;
    panel_bytes = direct ? 0 : rounded_up((block_rows + padding) * panel_pitch, line);
    staging_bytes = kernels.widened ? rounded_up(height * byte_pitch, line) : 0;
    sums_bytes = rounded_up((height + padding) * chunk_columns * sizeof(std::int32_t), line);
    row_sums_bytes = rounded_up(block_rows * sizeof(std::int32_t), line);
  }
  [[nodiscard]] std::size_t per_thread() const { return panel_bytes + staging_bytes + sums_bytes + row_sums_bytes; }
  // Heights differ by one at most: the first `taller` panels have one row more than the others.
  [[nodiscard]] std::size_t first_row(std::size_t panel) const { return panel * least_height + std::min(panel, taller); }
};

bool reads_directly(const IgemmKernels& kernels, const LeftRows& a, const PackedCodes& b) {
  return a.direct != nullptr && !a.is_signed && !kernels.widened && kernels.row_padding == 1 && b.depth() == b.padded_depth();
}

void flip_signs(std::uint8_t* codes, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) codes[i] = static_cast<std::uint8_t>(codes[i] ^ 0x80U);
}

// One thread's share of the scratch memory.
struct Workspace {
  std::byte* panel;
  std::uint8_t* staging;
  std::int32_t* sums;
  std::int32_t* row_sums;

  Workspace(const Blocking& blocking, std::byte* memory)
      : panel(memory),
        staging(reinterpret_cast<std::uint8_t*>(memory + blocking.panel_bytes)),
        sums(reinterpret_cast<std::int32_t*>(memory + blocking.panel_bytes + blocking.staging_bytes)),
        row_sums(reinterpret_cast<std::int32_t*>(memory + blocking.panel_bytes + blocking.staging_bytes + blocking.sums_bytes)) {}
};

class Multiplication {
 public:
  Multiplication(const IgemmKernels& kernels, const RequantizeKernels& requantize, const CodeProduct& product)
      : kernels_(kernels),
        requantize_(requantize),
        product_(product),
        direct_(reads_directly(kernels, product.a, product.b)),
        blocking_(kernels, product.rows, product.b, direct_) {}

  void run(std::byte* scratch) const {
    const std::size_t own = blocking_.per_thread();
    if (blocking_.blocks == 1) {
      const Workspace shared(blocking_, scratch);
      gather(0, shared);
      parallel_for(blocking_.chunks, [&](std::size_t chunk, std::size_t thread) {
        if (kernels_.begin != nullptr) kernels_.begin();
        std::int32_t* sums = Workspace(blocking_, scratch + thread * own).sums;
        multiply_chunk(0, chunk, shared, sums);
        if (kernels_.end != nullptr) kernels_.end();
      });
      return;
    }
    parallel_for(blocking_.blocks, [&](std::size_t block, std::size_t thread) {
      if (kernels_.begin != nullptr) kernels_.begin();
      const Workspace workspace(blocking_, scratch + thread * own);
      gather(block, workspace);
      for (std::size_t chunk = 0; chunk < blocking_.chunks; ++chunk) multiply_chunk(block, chunk, workspace, workspace.sums);
      if (kernels_.end != nullptr) kernels_.end();
    });
  }

 private:
  [[nodiscard]] std::size_t first_panel(std::size_t block) const { return block * blocking_.panels_per_block; }
  [[nodiscard]] std::size_t last_panel(std::size_t block) const {
    return std::min(first_panel(block) + blocking_.panels_per_block, blocking_.panels);
  }

  // The rows of a block as tiles read them, and their sums where these are needed.
  void gather(std::size_t block, const Workspace& workspace) const {
    const std::size_t origin = blocking_.first_row(first_panel(block));
    // b holds zeros behind K; these only keep the memory defined, which gathered rows never reach.
    if (kernels_.widened) std::memset(workspace.staging, 0, blocking_.staging_bytes);
    for (std::size_t panel = first_panel(block); panel < last_panel(block); ++panel) {
      const std::size_t first = blocking_.first_row(panel);
      const std::size_t count = blocking_.first_row(panel + 1) - first;
      std::byte* target = workspace.panel + (first - origin) * blocking_.panel_pitch;
      const bool wide = kernels_.widened;
      std::uint8_t* bytes = wide ? workspace.staging : reinterpret_cast<std::uint8_t*>(target);
      const std::size_t pitch = wide ? blocking_.byte_pitch : blocking_.panel_pitch;
      if (!direct_) gather_bytes(first, count, bytes, pitch);
      if (!product_.compensation.column_zero.empty()) {
        for (std::size_t row = 0; row < count; ++row) {
          const std::uint8_t* codes = direct_ ? product_.a.direct + (first + row) * product_.a.direct_stride : bytes + row * pitch;
          std::int32_t sum = 0;
          for (std::size_t k = 0; k < product_.b.depth(); ++k) sum += codes[k];
          workspace.row_sums[first - origin + row] = sum;
        }
      }
      if (!wide) continue;
      for (std::size_t row = 0; row < count; ++row) {
        kernels_.widen(bytes + row * pitch, target + row * blocking_.panel_pitch, pitch);
      }
    }
  }

  void gather_bytes(std::size_t first, std::size_t count, std::uint8_t* bytes, std::size_t pitch) const {
    const std::size_t depth = product_.b.depth();
    product_.a.gather(product_.a.source, first, count, bytes, pitch);
    if (product_.a.is_signed) flip_signs(bytes, count * pitch);
    if (!kernels_.widened && depth < blocking_.byte_pitch) {
      for (std::size_t row = 0; row < count; ++row) std::memset(bytes + row * pitch + depth, 0, blocking_.byte_pitch - depth);
    }
  }

  void multiply_chunk(std::size_t block, std::size_t chunk, const Workspace& rows, std::int32_t* sums) const {
    const std::size_t origin = blocking_.first_row(first_panel(block));
    const std::size_t first_column = chunk * blocking_.chunk_columns;
    const std::size_t end = std::min(first_column + blocking_.chunk_columns, product_.b.padded_columns());
    for (std::size_t panel = first_panel(block); panel < last_panel(block); ++panel) {
      const std::size_t first = blocking_.first_row(panel);
      const std::size_t count = blocking_.first_row(panel + 1) - first;
      const auto tile = kernels_.tiles[count];
      for (std::size_t column = first_column; column < end; column += of(kernels_.columns)) {
        tile({.depth = product_.b.padded_depth(),
              .a = direct_ ? reinterpret_cast<const std::byte*>(product_.a.direct + first * product_.a.direct_stride)
                           : rows.panel + (first - origin) * blocking_.panel_pitch,
              .a_stride = direct_ ? product_.a.direct_stride : blocking_.panel_pitch,
              .b = product_.b.panel(column),
              .c = sums + (column - first_column),
              .c_stride = blocking_.chunk_columns,
              .start = product_.compensation.start.data() + column});
      }
      const std::size_t width = std::min(end, product_.b.columns()) - first_column;
      for (std::size_t row = 0; row < count; ++row) {
        std::int32_t* of_row = sums + row * blocking_.chunk_columns;
        if (!product_.compensation.column_zero.empty()) {
          subtract_row_sum(rows.row_sums[first - origin + row], product_.compensation.column_zero.data() + first_column, of_row, width);
        }
        store(of_row, first + row, first_column, width);
      }
    }
  }

  static void subtract_row_sum(std::int32_t row_sum, const std::int32_t* column_zero, std::int32_t* sums, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      sums[i] = static_cast<std::int32_t>(static_cast<std::uint32_t>(sums[i]) -
                                          static_cast<std::uint32_t>(row_sum) * static_cast<std::uint32_t>(column_zero[i]));
    }
  }

  void store(const std::int32_t* sums, std::size_t row, std::size_t column, std::size_t count) const {
    const SumsOutput& output = product_.output;
    const std::size_t at = row * output.stride + column;
    const float* multipliers = output.multipliers + (output.multipliers == nullptr ? 0 : column);
    switch (output.form) {
      case SumsOutput::Form::sums:
        std::memcpy(static_cast<std::int32_t*>(output.target) + at, sums, count * sizeof(std::int32_t));
        return;
      case SumsOutput::Form::u8:
        return requantize_.to_u8(sums, multipliers, output.zero_point, static_cast<std::uint8_t*>(output.target) + at, count);
      case SumsOutput::Form::s8:
        return requantize_.to_s8(sums, multipliers, output.zero_point, static_cast<std::int8_t*>(output.target) + at, count);
      case SumsOutput::Form::numbers:
        return requantize_.to_float(sums, multipliers, output.bias == nullptr ? nullptr : output.bias + column,
                                    static_cast<float*>(output.target) + at, count);
    }
  }

  const IgemmKernels& kernels_;
  const RequantizeKernels& requantize_;
  const CodeProduct& product_;
  bool direct_;
  Blocking blocking_;
};

void gather_strided(const void* source, std::size_t first, std::size_t count, std::uint8_t* target, std::size_t pitch) noexcept {
  const StridedRows& rows = *static_cast<const StridedRows*>(source);
  if (rows.depth == 0) return;
  for (std::size_t row = 0; row < count; ++row) {
    const std::uint8_t* codes = rows.codes + (first + row) * rows.row_stride;
    std::uint8_t* to = target + row * pitch;
    if (rows.column_stride == 1) {
      std::memcpy(to, codes, rows.depth);
    } else {
      for (std::size_t k = 0; k < rows.depth; ++k) to[k] = codes[k * rows.column_stride];
    }
  }
}

}  // namespace

PackedCodes::PackedCodes(const IgemmKernels& kernels, const CodeMatrix& matrix)
    : depth_(matrix.rows),
      columns_(matrix.columns),
      padded_depth_(rounded_up(matrix.rows, of(kernels.depth_step))),
      was_signed_(matrix.is_signed),
      lines_(rounded_up(padded_depth_ * rounded_up(matrix.columns, of(kernels.columns)), line) / line + 1),
      sums_(rounded_up(matrix.columns, of(kernels.columns))) {
  const std::size_t width = of(kernels.columns);
  const std::size_t interleave = of(kernels.interleave);
  const std::uint8_t flip = matrix.is_signed ? 0 : 0x80;
  for (std::size_t first = 0; first < columns_; first += width) {
    std::int8_t* target = lines_.data()->bytes + first * padded_depth_;
    const std::size_t present = std::min(width, columns_ - first);
    for (std::size_t k = 0; k < depth_; ++k) {
      const std::uint8_t* source = matrix.codes + k * matrix.row_stride + first * matrix.column_stride;
      std::int8_t* to = target + k / interleave * interleave * width + k % interleave;
      for (std::size_t j = 0; j < present; ++j) {
        const auto code = static_cast<std::int8_t>(source[j * matrix.column_stride] ^ flip);
        to[j * interleave] = code;
        sums_[first + j] += code;
      }
    }
  }
}

Compensation compensation(const PackedCodes& b, bool a_is_signed, std::int32_t a_zero, std::span<const std::int32_t> b_zero,
                          std::span<const std::int32_t> bias) {
  Compensation made{std::vector<std::int32_t>(b.padded_columns()), {}};
  const std::int32_t a_shifted = a_zero + (a_is_signed ? sign_shift : 0);
  const std::int32_t b_shift = b.was_signed() ? 0 : -sign_shift;
  std::vector<std::int32_t> column_zero(b.padded_columns());
  bool any = false;
  for (std::size_t column = 0; column < b.columns(); ++column) {
    const std::int32_t zero = (b_zero.empty() ? 0 : b_zero[b_zero.size() == 1 ? 0 : column]) + b_shift;
    column_zero[column] = zero;
    any = any || zero != 0;
    // Modulo 2^32, like the sums.
    const std::uint32_t lost =
        static_cast<std::uint32_t>(a_shifted) *
        (static_cast<std::uint32_t>(b.sums()[column]) - static_cast<std::uint32_t>(b.depth()) * static_cast<std::uint32_t>(zero));
    made.start[column] = static_cast<std::int32_t>((bias.empty() ? 0U : static_cast<std::uint32_t>(bias[column])) - lost);
  }
  if (any) made.column_zero = std::move(column_zero);
  return made;
}

LeftRows StridedRows::rows(bool is_signed) const {
  return {.gather = gather_strided,
          .source = this,
          .is_signed = is_signed,
          .direct = column_stride == 1 ? codes : nullptr,
          .direct_stride = row_stride};
}

std::size_t product_scratch(const IgemmKernels& kernels, std::size_t rows, const PackedCodes& b) {
  return Blocking(kernels, rows, b, false).per_thread() * static_cast<std::size_t>(thread_count());
}

void multiply_codes(const IgemmKernels& kernels, const RequantizeKernels& requantize, const CodeProduct& product, std::byte* scratch) {
  if (product.rows == 0 || product.b.columns() == 0) return;
  Multiplication(kernels, requantize, product).run(scratch);
}

}  // namespace titrate::kernels
