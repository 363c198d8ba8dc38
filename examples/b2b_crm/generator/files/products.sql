select product_id, category, brand, price as list_price from products order by product_id
