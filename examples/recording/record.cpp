// One picture's recording from C++17, without a library: the standard one writes the .npz.
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

struct Npz {  // a .zip that stores .npy files
    std::string files, index;
    int count = 0;

    template <class T>
    void add(const std::string& key, const char* type, const std::string& shape, const std::vector<T>& array) {
        std::string name = key + ".npy", head = "{'descr': '" + std::string(type) +
            "', 'fortran_order': False, 'shape': (" + shape + ",), }";
        head.resize(117, ' ');
        std::string data = std::string("\x93NUMPY\x01\0\x76\0", 10) + head + "\n";
        data.append(reinterpret_cast<const char*>(array.data()), array.size() * sizeof(T));
        uint32_t crc = ~0u;
        for (unsigned char byte : data) {
            crc ^= byte;
            for (int k = 0; k < 8; k++) crc = crc & 1 ? 0xedb88320u ^ (crc >> 1) : crc >> 1;
        }
        std::string said = u16(20) + u16(0) + u16(0) + u16(0) + u16(33) + u32(~crc) +
            u32(data.size()) + u32(data.size()) + u16(name.size()) + u16(0);
        index += u32(0x02014b50) + u16(20) + said + std::string(10, '\0') + u32(files.size()) + name;
        files += u32(0x04034b50) + said + name + data;
        count++;
    }
    void write(const std::string& path) const {
        std::ofstream(path, std::ios::binary) << files << index << u32(0x06054b50) << u32(0)
            << u16(count) << u16(count) << u32(index.size()) << u32(files.size()) << u16(0);
    }
    static std::string u16(uint16_t n) { return std::string(reinterpret_cast<char*>(&n), 2); }
    static std::string u32(uint32_t n) { return std::string(reinterpret_cast<char*>(&n), 4); }
};

int main() {
    std::vector<float> input(12);  // what the model was fed; itself, where no SHA-256 is at hand
    for (int i = 0; i < 12; i++) input[i] = i;
    Npz photo;
    photo.add("input", "<f4", "12", input);
    photo.add<float>("logits", "<f4", "1, 3", {0.5f, -1, 2});
    photo.add<float>("cam_map", "<f4", "1, 2, 2", {0, 1, 2, 0});
    photo.add<float>("cam_signed", "<f4", "1, 2, 2", {-3, 1, 2, -1});
    photo.add<int64_t>("cam_class_used", "<i8", "1", {2});
    photo.write("photo.npz");
}
